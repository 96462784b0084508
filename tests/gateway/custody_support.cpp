#include "tests/gateway/custody_support.h"

#include <algorithm>
#include <fstream>
#include <random>

namespace gantry::tests {

Content content_of(unsigned seed, std::size_t size)
{
    std::mt19937 numbers(seed);
    Content content(size);
    std::ranges::generate(content, [&] { return static_cast<std::byte>(numbers()); });
    return content;
}

custody::Envelope
envelope_of(unsigned study, unsigned instance, std::vector<std::string> destinations)
{
    const std::string study_uid = "1.2." + std::to_string(study);
    custody::Envelope envelope;
    envelope.key.study = Uid::parse(study_uid).value();
    envelope.key.series = Uid::parse(study_uid + ".1").value();
    envelope.key.sop.sop_class = Uid::parse("1.2.840.10008.5.1.4.1.1.2").value();
    envelope.key.sop.sop_instance =
        Uid::parse(study_uid + ".1." + std::to_string(instance)).value();
    envelope.key.transfer_syntax = Uid::parse("1.2.840.10008.1.2.1").value();
    envelope.face = "dimse";
    envelope.calling_ae = "CT1";
    envelope.called_ae = "GANTRY";
    envelope.peer_address = "10.1.2.3";
    envelope.destinations = std::move(destinations);
    return envelope;
}

custody::SpoolOptions spool_options(const std::filesystem::path& folder)
{
    return {.folder = folder, .min_free = Bytes{0}};
}

custody::StoredInstance
store(custody::Spool& spool, custody::Envelope envelope, const Content& content)
{
    auto writer = spool.reserve(Bytes{content.size()}).value();
    const std::size_t half = content.size() / 2;
    writer->write(std::span(content).first(half)).value();
    writer->write(std::span(content).subspan(half)).value();
    return writer->commit(std::move(envelope)).value();
}

Content fetch(custody::Spool& spool, const std::string& slot)
{
    const auto reader = spool.read(slot).value();
    Content content;
    std::vector<std::byte> buffer(3'000);
    while (const std::size_t got = reader->read(buffer).value())
        content.insert(content.end(), buffer.begin(), buffer.begin() + static_cast<long>(got));
    return content;
}

void damage(const std::filesystem::path& file, std::uint64_t offset)
{
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.exceptions(std::ios::failbit | std::ios::badbit);
    stream.seekg(static_cast<std::streamoff>(offset));
    const int byte = stream.get();
    stream.seekp(static_cast<std::streamoff>(offset));
    stream.put(static_cast<char>(byte ^ 1));
}

std::vector<std::string> names_in(const std::filesystem::path& folder)
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

} // namespace gantry::tests
