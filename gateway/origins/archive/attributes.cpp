#include "gateway/origins/archive/attributes.h"

#include "gateway/error.h"
#include "gateway/origins/archive/bounded_input.h"
#include "mapping/dicom_text.h"
#include "mapping/query_attributes.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace gantry::archive {

namespace {

constexpr Uint32 max_value = 16U << 10U; // of one kept attribute, bytes: LT has 10,240 characters
constexpr std::uint64_t max_read = 1U << 20U;
constexpr std::uint64_t max_read_deflated = 16U << 10U; // may inflate a thousandfold

constexpr Uint16 first_group_not_read = 0x0072;

/// DCMTK does not know the newer ones: they are read as the compressed one that it does know.
E_TransferSyntax reading_syntax(const Uid& uid)
{
    const DcmXfer known(uid.str().c_str());
    if (known.getXfer() != EXS_Unknown)
        return known.getXfer();
    return EXS_JPEG2000LosslessOnly;
}

std::unique_ptr<DcmDataset>
read_head(const std::filesystem::path& file, std::uint64_t offset, const Uid& transfer_syntax)
{
    const auto encoding = TransferSyntax::of(transfer_syntax.str()).encoding;
    const bool deflated = encoding == Encoding::deflated_explicit_le;
    BoundedInput input(file, offset, deflated ? max_read_deflated : max_read);
    auto data_set = std::make_unique<DcmDataset>();
    data_set->transferInit();
    // What it stops with does not matter: the structure has been looked at, and what was read is
    // there.
    (void)data_set->readUntilTag(
        input,
        reading_syntax(transfer_syntax),
        EGL_noChange,
        DCM_MaxReadLength,
        DcmTagKey(first_group_not_read, 0)
    );
    data_set->transferEnd();
    return data_set;
}

/// A known attribute that came as UN is what the dictionary says, where that is text.
void keep_unknown(DcmElement& element, const DcmTagKey& key, DcmItem& out)
{
    const DcmVR vr = DcmTag(key).getVR();
    Uint8* bytes = nullptr;
    if (!vr.isaString() || element.getUint8Array(bytes).bad() || bytes == nullptr)
        return;
    const OFString text(reinterpret_cast<const char*>(bytes), element.getLength());
    (void)out.putAndInsertOFStringArray(DcmTag(key), text);
}

void keep(DcmItem& from, Tag tag, DcmItem& out)
{
    const DcmTagKey key(tag.group, tag.element);
    DcmElement* element = nullptr;
    if (from.findAndGetElement(key, element).bad() || element == nullptr)
        return;
    if (element->ident() != EVR_SQ && element->getLength() > max_value)
        return;
    if (element->ident() == EVR_SQ &&
        element->calcElementLength(EXS_LittleEndianExplicit, EET_ExplicitLength) > max_value)
        return;
    if (element->ident() == EVR_UN || element->ident() == EVR_UNKNOWN)
        keep_unknown(*element, key, out);
    else
        (void)from.findAndInsertCopyOfElement(key, &out);
}

bool is_ascii(const DcmDataset& data_set)
{
    const std::string bytes = encode(const_cast<DcmDataset&>(data_set)); // NOLINT: DCMTK's write
    return std::ranges::all_of(bytes, [](char c) { return static_cast<signed char>(c) >= 0; });
}

bool is_text(DcmElement& element)
{
    switch (element.ident()) {
    case EVR_LO:
    case EVR_LT:
    case EVR_PN:
    case EVR_SH:
    case EVR_ST:
    case EVR_UC:
    case EVR_UT: return true;
    default: return false;
    }
}

void decode_text(DcmElement& element, mapping::TextDecoder& decoder)
{
    char* raw = nullptr;
    Uint32 length = 0;
    if (element.getString(raw, length).bad() || raw == nullptr)
        return;
    const char* name = DcmVR(element.ident()).getVRName();
    const auto vr = mapping::make_vr(name[0], name[1]);
    std::string text;
    bool first = true;
    for (const std::string& value : decoder.values(vr, {raw, length})) {
        text += (first ? "" : "\\") + value;
        first = false;
    }
    (void)element.putOFStringArray(OFString(text.c_str(), text.size()));
}

/// PS3.5 6.1.2: all text in UTF-8, whatever it came in.
void to_utf8(DcmItem& item, mapping::TextDecoder& decoder)
{
    for (unsigned long i = 0; i < item.card(); ++i) {
        DcmElement& element = *item.getElement(i);
        if (is_text(element))
            decode_text(element, decoder);
        DcmItem* nested = nullptr;
        if (element.ident() == EVR_SQ)
            for (long n = 0; item.findAndGetSequenceItem(element.getTag(), nested, n).good(); ++n)
                to_utf8(*nested, decoder);
    }
    (void)item.findAndDeleteElement(DCM_SpecificCharacterSet);
}

std::string text_of(DcmItem& data_set, const DcmTagKey& key)
{
    OFString value;
    if (data_set.findAndGetOFString(key, value).bad())
        return {};
    const auto last = value.find_last_not_of(" \0", OFString_npos, 2);
    return last == OFString_npos ? std::string() : std::string(value.c_str(), last + 1);
}

std::string trimmed(std::string text)
{
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
}

/// PS3.5 6.2: DA and TM, the forms of before 1993 too ("2001.02.03", "10:20:30").
std::string digits_of(const std::string& text, std::size_t least)
{
    std::string out;
    for (const char c : text) {
        if (c >= '0' && c <= '9')
            out.push_back(c);
        else if (c != '.' && c != ':')
            return {};
    }
    return out.size() < least ? std::string() : out;
}

std::int64_t number_of(const std::string& text)
{
    std::int64_t number = 0;
    const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
    (void)std::from_chars(first, text.data() + text.size(), number);
    return number;
}

std::string level_blob(DcmDataset& all, QueryLevel level)
{
    DcmDataset part;
    if (level != QueryLevel::study) // what is above is named in what is below
        (void)all.findAndInsertCopyOfElement(DCM_StudyInstanceUID, &part);
    if (level == QueryLevel::image)
        (void)all.findAndInsertCopyOfElement(DCM_SeriesInstanceUID, &part);
    for (const mapping::QueryAttribute& one : mapping::query_attributes())
        if (one.level == level)
            (void)all.findAndInsertCopyOfElement(DcmTagKey(one.tag.group, one.tag.element), &part);
    if (!is_ascii(part))
        (void)part.putAndInsertString(DCM_SpecificCharacterSet, "ISO_IR 192");
    return encode(part);
}

/// The UIDs by which the archive finds an instance are those that were checked when it came in.
void put_key(DcmDataset& all, const InstanceKey& key)
{
    const std::pair<DcmTagKey, const Uid&> uids[] = {
        {DCM_StudyInstanceUID, key.study},
        {DCM_SeriesInstanceUID, key.series},
        {DCM_SOPClassUID, key.sop.sop_class},
        {DCM_SOPInstanceUID, key.sop.sop_instance},
    };
    for (const auto& [tag, uid] : uids)
        (void)all.putAndInsertString(tag, uid.str().c_str());
}

} // namespace

std::string encode(DcmDataset& attributes)
{
    constexpr auto syntax = EXS_LittleEndianExplicit;
    const Uint32 length = attributes.calcElementLength(syntax, EET_ExplicitLength);
    std::string out(length + 64, '\0');
    DcmOutputBufferStream stream(out.data(), static_cast<offile_off_t>(out.size()));
    attributes.transferInit();
    const OFCondition written = attributes.write(
        stream, syntax, EET_ExplicitLength, nullptr, EGL_withoutGL, EPD_withoutPadding
    );
    attributes.transferEnd();
    out.resize(written.good() ? static_cast<std::size_t>(stream.tell()) : 0);
    return out;
}

std::unique_ptr<DcmDataset> decode(std::string_view blob)
{
    auto data_set = std::make_unique<DcmDataset>();
    DcmInputBufferStream stream;
    stream.setBuffer(blob.data(), static_cast<offile_off_t>(blob.size()));
    stream.setEos();
    data_set->transferInit();
    (void)data_set->read(stream, EXS_LittleEndianExplicit);
    data_set->transferEnd();
    return data_set;
}

Result<Attributes>
read_attributes(const std::filesystem::path& file, std::uint64_t offset, const InstanceKey& key)
{
    const auto head = read_head(file, offset, key.transfer_syntax);
    DcmDataset all;
    keep(*head, tag::specific_character_set, all);
    for (const mapping::QueryAttribute& one : mapping::query_attributes())
        keep(*head, one.tag, all);
    put_key(all, key);
    OFString character_set;
    (void)all.findAndGetOFStringArray(DCM_SpecificCharacterSet, character_set);
    mapping::TextDecoder decoder(character_set.c_str());
    to_utf8(all, decoder);
    Attributes out;
    out.patient_id = trimmed(text_of(all, DCM_PatientID));
    out.accession_number = trimmed(text_of(all, DCM_AccessionNumber));
    out.study_date = digits_of(text_of(all, DCM_StudyDate), 8);
    out.study_time = digits_of(text_of(all, DCM_StudyTime), 2);
    out.modality = trimmed(text_of(all, DCM_Modality));
    out.series_number = number_of(trimmed(text_of(all, DCM_SeriesNumber)));
    out.instance_number = number_of(trimmed(text_of(all, DCM_InstanceNumber)));
    out.study = level_blob(all, QueryLevel::study);
    out.series = level_blob(all, QueryLevel::series);
    out.instance = level_blob(all, QueryLevel::image);
    if (out.study.empty() || out.series.empty() || out.instance.empty())
        return error(Errc::damaged, "attributes cannot be encoded");
    return out;
}

Result<InstanceKey>
read_key(const std::filesystem::path& file, std::uint64_t offset, const Uid& transfer_syntax)
{
    const auto head = read_head(file, offset, transfer_syntax);
    const auto uid = [&](const DcmTagKey& key) {
        return Uid::parse(text_of(*head, key)).value_or(Uid{});
    };
    InstanceKey key;
    key.study = uid(DCM_StudyInstanceUID);
    key.series = uid(DCM_SeriesInstanceUID);
    key.sop = {uid(DCM_SOPClassUID), uid(DCM_SOPInstanceUID)};
    key.transfer_syntax = transfer_syntax;
    if (key.study.empty() || key.series.empty() || key.sop.sop_instance.empty())
        return error(Errc::damaged, "no UIDs in the data set");
    return key;
}

} // namespace gantry::archive
