// STOW-RS as metadata with bulk data: whatever comes, every instance is either sealed with a data
// set that holds together to its end, or has a reason why not. The first byte says JSON or XML.
#include "gateway/faces/web_store_metadata.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>

using namespace gantry;
using namespace gantry::faces;

namespace {

class Writer final : public IntakeWriter {
public:
    Result<void> write(ConstBytes) override { return {}; }

    Result<void> seal(InstanceKey key) override
    {
        if (key.study.empty() || key.series.empty() || key.sop.sop_instance.empty())
            std::abort();
        return {};
    }
};

class NoWhere final : public Intake {
public:
    Result<void> admit() const override { return {}; }

    Result<std::unique_ptr<IntakeWriter>>
    begin(const mapping::FileHead&, const std::string&) override
    {
        return std::make_unique<Writer>();
    }

    const Origin* readable_from() const override { return nullptr; }

    asio::awaitable<std::vector<Committed>>
    commit(std::vector<std::unique_ptr<IntakeWriter>>) override
    {
        std::abort();
    }

    asio::awaitable<std::vector<StoreOutcome>> delivered(std::vector<custody::ReceiptId>) override
    {
        std::abort();
    }
};

constexpr std::string_view codestream(
    "\xff\xd8\xff\xf7\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00"
    "\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x12\x34\xff\xd9",
    29
);

void add_bulk(StoreMetadata& into, const char* location, const char* type, std::string_view bytes)
{
    into.begin_bulk(location, *mapping::parse_media_type(type));
    into.feed(std::as_bytes(std::span(bytes.data(), bytes.size())));
    into.end(true);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    NoWhere intake;
    StoreMetadata metadata(
        {intake, std::nullopt, "192.0.2.1", "/studies", std::filesystem::temp_directory_path()}
    );
    const bool json = data[0] % 2 == 0;
    metadata.begin_metadata(json ? StoreMetadata::Form::json : StoreMetadata::Form::xml);
    metadata.feed(std::as_bytes(std::span(data, size).subspan(1)));
    metadata.end(true);
    add_bulk(metadata, "n", "application/octet-stream", "0123456789A");
    add_bulk(metadata, "c", "image/jls", codestream);
    add_bulk(metadata, "c", "image/jls", codestream);
    std::size_t parts = 0;
    while (const auto part = metadata.next()) {
        if ((part->writer == nullptr) != part->failure.has_value())
            std::abort();
        if (++parts > size)
            std::abort(); // an instance takes a byte at least
    }
    if (metadata.leftovers() > 3)
        std::abort();
    return 0;
}
