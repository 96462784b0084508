#include "tests/gateway/archive_support.h"

#include "gateway/error.h"
#include "gateway/origins/archive/attributes.h"
#include "mapping/data_set_scanner.h"
#include "mapping/file_meta.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dctag.h>
#include <dcmtk/dcmdata/dcuid.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace gantry::tests {

namespace {

Uid uid(const std::string& text)
{
    return Uid::parse(text).value();
}

class MadeUpContent final : public InstanceContent {
public:
    MadeUpContent(Instance instance, bool broken) : instance_(std::move(instance)), broken_(broken)
    {
    }

    const InstanceKey& key() const override { return instance_.key; }

    AeTitle source_ae() const override { return AeTitle::parse("MODALITY").value(); }

    Bytes length() const override { return {instance_.data_set.size()}; }

    asio::awaitable<Result<ConstBytes>> read() override
    {
        const auto rest = bytes_of(instance_.data_set).subspan(done_);
        const auto piece = rest.first(std::min<std::size_t>(rest.size(), 1'000));
        done_ += piece.size();
        if (broken_ && done_ == instance_.data_set.size())
            co_return error(Errc::damaged, "made up");
        co_return piece;
    }

    void rewind() override { done_ = 0; }

private:
    Instance instance_;
    bool broken_;
    std::size_t done_ = 0;
};

} // namespace

std::string Instance::file() const
{
    return mapping::write_file_head({key.sop, key.transfer_syntax, {}}) + data_set;
}

Instance make_instance(Place place, const Change& change, std::size_t pixels)
{
    const std::string study = "1.2." + std::to_string(place.study);
    const std::string series = study + "." + std::to_string(place.series);
    DcmDataset data_set;
    const auto put = [&](const DcmTagKey& tag, const std::string& text) {
        if (data_set.putAndInsertString(tag, text.c_str()).bad())
            throw std::runtime_error("bad made-up value");
    };
    put(DCM_SOPClassUID, UID_SecondaryCaptureImageStorage);
    put(DCM_SOPInstanceUID, series + "." + std::to_string(place.number));
    put(DCM_StudyInstanceUID, study);
    put(DCM_SeriesInstanceUID, series);
    put(DCM_StudyDate, "20240101");
    put(DCM_StudyTime, "101500");
    put(DCM_Modality, "OT");
    put(DCM_PatientName, "Doe^Jane");
    put(DCM_PatientID, "P" + std::to_string(place.study));
    put(DCM_AccessionNumber, "A" + std::to_string(place.study));
    put(DCM_SeriesNumber, std::to_string(place.series));
    put(DCM_InstanceNumber, std::to_string(place.number));
    (void)data_set.putAndInsertUint16(DCM_Rows, 8);
    (void)data_set.putAndInsertUint16(DCM_Columns, 8);
    (void)data_set.putAndInsertUint16(DCM_BitsAllocated, 8);
    const std::string content(pixels, 'x');
    (void)data_set.putAndInsertUint8Array(
        DCM_PixelData,
        reinterpret_cast<const Uint8*>(content.data()),
        static_cast<unsigned long>(pixels)
    );
    if (change)
        change(data_set);
    OFString instance;
    (void)data_set.findAndGetOFString(DCM_SOPInstanceUID, instance);
    Instance out;
    out.key.study = uid(study);
    out.key.series = uid(series);
    out.key.sop = {uid(UID_SecondaryCaptureImageStorage), uid(instance.c_str())};
    out.key.transfer_syntax = uid(UID_LittleEndianExplicitTransferSyntax);
    out.data_set = archive::encode(data_set);
    return out;
}

Instance read_instance(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    std::ostringstream read;
    read << in.rdbuf();
    const std::string file = read.str();
    const auto head = mapping::read_file_head(bytes_of(file), true).value();
    Instance out;
    out.data_set = file.substr(head.data_set_offset);
    mapping::DataSetScanner scanner(TransferSyntax::of(head.head.transfer_syntax.str()));
    scanner.feed(bytes_of(out.data_set)).value();
    const auto found = scanner.finish().value();
    out.key = {
        found.study, found.series, {found.sop_class, found.sop_instance}, head.head.transfer_syntax
    };
    return out;
}

ConstBytes bytes_of(const std::string& text)
{
    return std::as_bytes(std::span(text));
}

std::unique_ptr<archive::ArchiveWriter> sealed(archive::Archive& archive, const Instance& instance)
{
    auto writer = archive.begin({instance.key.sop, instance.key.transfer_syntax, {}}).value();
    writer->write(bytes_of(instance.data_set)).value();
    writer->seal(instance.key, {}).value();
    return writer;
}

StoreOutcome store(archive::Archive& archive, const Instance& instance)
{
    std::vector<std::unique_ptr<archive::ArchiveWriter>> writers;
    writers.push_back(sealed(archive, instance));
    return archive.commit(std::move(writers)).at(0);
}

archive::ArchiveOptions archive_options(const std::filesystem::path& folder)
{
    archive::ArchiveOptions options;
    options.folder = folder / "archive";
    options.min_free = {};
    return options;
}

std::unique_ptr<InstanceContent> content_of(Instance instance, bool broken)
{
    return std::make_unique<MadeUpContent>(std::move(instance), broken);
}

asio::awaitable<Result<void>> KeepMatches::match(std::unique_ptr<DcmDataset> attributes)
{
    matches.push_back(std::move(attributes));
    co_return Result<void>{};
}

KeepMatches::~KeepMatches() = default;

std::string value_of(DcmDataset& data_set, const char* keyword)
{
    DcmTag tag;
    if (DcmTag::findTagFromName(keyword, tag).bad())
        throw std::runtime_error(keyword);
    OFString value;
    if (data_set.findAndGetOFStringArray(tag, value).bad())
        return "-";
    return value.c_str();
}

std::shared_ptr<DcmDataset> keys_of(const std::vector<std::pair<const char*, const char*>>& keys)
{
    auto out = std::make_shared<DcmDataset>();
    for (const auto& [keyword, value] : keys) {
        DcmTag tag;
        if (DcmTag::findTagFromName(keyword, tag).bad())
            throw std::runtime_error(keyword);
        const OFCondition put = *value == '\0' ? out->insertEmptyElement(tag)
                                               : out->putAndInsertOFStringArray(tag, value);
        if (put.bad())
            throw std::runtime_error(value);
    }
    return out;
}

} // namespace gantry::tests
