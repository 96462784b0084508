// STOW-RS as metadata and bulk data (PS3.18 10.5.1.2): all parts go to one scratch file; when the
// request is over, its data sets are put together one by one and given to the intake. Blocking: on
// a worker; one thread at a time. Memory holds the metadata of one instance.
#pragma once

#include "gateway/faces/web_part.h"
#include "gateway/faces/web_store_bulk.h"
#include "gateway/origins/scratch_file.h"
#include "mapping/json_array_splitter.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::faces {

class StoreMetadata {
public:
    struct Terms {
        Intake& intake; // outlives it
        std::optional<Uid> study;
        std::string peer_address;
        std::string target;            // of the request
        std::filesystem::path scratch; // a folder
    };

    enum class Form : std::uint8_t { json, xml };

    /// The metadata of one instance takes no more.
    static constexpr Bytes max_instance{16ULL << 20U};

    explicit StoreMetadata(Terms terms);

    // The parts of the request, one after the other.

    void begin_metadata(Form form);
    void begin_bulk(std::string location, mapping::MediaType type);
    void feed(ConstBytes bytes);
    /// The part is whole; `false`: it is not, and counts for nothing.
    void end(bool whole);

    /// Nothing more of the part is wanted: it cannot be kept.
    bool lost() const noexcept { return lost_; }

    bool empty() const noexcept { return texts_.empty() && bulk_count_ == 0; }

    /// After the last part: the next instance, sealed or failed; nothing after the last.
    std::optional<TakenPart> next();

    /// After that: bulk data that no instance has asked for.
    std::size_t leftovers() const { return bulk_.unused(); }

private:
    struct Text { // of one metadata part
        Form form = Form::json;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
        std::uint16_t failure = 0; // of the part as a whole
    };

    void begin();
    std::optional<TakenPart> next_in(Text& text);
    std::optional<TakenPart> next_object(Text& text);
    TakenPart whole_document(const Text& text);
    Result<std::string> read(std::uint64_t offset, std::uint64_t length) const;
    TakenPart assemble(std::string_view json);
    TakenPart unreadable(std::string_view json) const;

    Terms terms_;
    BulkParts bulk_;
    std::shared_ptr<ScratchFile> file_;
    std::vector<Text> texts_;
    std::size_t bulk_count_ = 0;

    // The part that is coming.
    std::optional<Text> text_;
    std::optional<BulkPart> part_;
    std::uint64_t began_ = 0;
    bool lost_ = false;

    // While instances are put together.
    std::size_t at_ = 0; // of texts_
    std::optional<mapping::JsonArraySplitter> splitter_;
    std::string chunk_;
};

} // namespace gantry::faces
