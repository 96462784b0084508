// A find in a scripted PACS. For tests of the archive behind DIMSE.
#pragma once

#include "gateway/origins/dimse_find.h"
#include "gateway/origins/dimse_origin.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/data_sets.h"
#include "tests/support/loop_thread.h"
#include "tests/support/scripted_pacs.h"

namespace gantry::tests {

/// Keeps what comes, up to `most`.
class FoundLines final : public FindSink {
public:
    std::vector<std::string> lines;
    std::size_t most = std::numeric_limits<std::size_t>::max();
    bool fuzzy = false;

    void matched_fuzzily() override { fuzzy = true; }

    asio::awaitable<Result<void>> match(std::unique_ptr<DcmDataset> attributes) override
    {
        if (lines.size() == most)
            co_return Error{};
        lines.push_back(lines_of(*attributes));
        co_return Result<void>{};
    }
};

/// "1.2" of "0020,000d=1.2 | ...": what stands behind a tag in each line.
inline std::vector<std::string>
values_of(const std::vector<std::string>& lines, const std::string& tag)
{
    std::vector<std::string> out;
    for (const std::string& line : lines) {
        const std::size_t at = line.find(tag + "=");
        const std::size_t from = at + tag.size() + 1;
        out.push_back(at == line.npos ? "-" : line.substr(from, line.find(" | ", from) - from));
    }
    return out;
}

/// Two patients, three studies, four series, five images.
inline void fill(ScriptedPacs& pacs)
{
    pacs.add("STUDY", "0020,000d=1.1 | 0010,0020=A | 0008,0020=20240101 | 0008,0061=CT");
    pacs.add("STUDY", "0020,000d=1.2 | 0010,0020=B | 0008,0020=20240102 | 0008,0061=CT\\MR");
    pacs.add("STUDY", "0020,000d=1.3 | 0010,0020=A | 0008,0020=20240103 | 0008,0061=MR");
    pacs.add("SERIES", "0020,000d=1.1 | 0020,000e=1.1.1 | 0008,0060=CT");
    pacs.add("SERIES", "0020,000d=1.2 | 0020,000e=1.2.1 | 0008,0060=CT");
    pacs.add("SERIES", "0020,000d=1.2 | 0020,000e=1.2.2 | 0008,0060=MR");
    pacs.add("SERIES", "0020,000d=1.3 | 0020,000e=1.3.1 | 0008,0060=MR");
    for (const char* at :
         {"0020,000d=1.1 | 0020,000e=1.1.1 | 0008,0018=1.1.1.1",
          "0020,000d=1.2 | 0020,000e=1.2.1 | 0008,0018=1.2.1.1",
          "0020,000d=1.2 | 0020,000e=1.2.1 | 0008,0018=1.2.1.2",
          "0020,000d=1.2 | 0020,000e=1.2.2 | 0008,0018=1.2.2.1",
          "0020,000d=1.3 | 0020,000e=1.3.1 | 0008,0018=1.3.1.1"})
        pacs.add("IMAGE", at);
}

inline std::vector<std::string> texts(std::initializer_list<const char*> all)
{
    return {all.begin(), all.end()};
}

struct DimseFindRig {
    LoopThread loop; // outlives the threads that resume coroutines on it
    WorkerPool pool{"outbound", 8};
    ScriptedPacs pacs;
    DimseOriginOptions options;
    dimse::RequestorOptions ways;
    DimseFindMemory learned;
    FoundLines found;
    FindQuestion question;

    explicit DimseFindRig(PacsScript script = {}) : pacs(std::move(script))
    {
        ways.calling_ae_title = *AeTitle::parse("GANTRY");
        ways.timeouts.dimse = std::chrono::seconds(20);
    }

    ~DimseFindRig() { pool.stop(); }

    DimseFindRig(const DimseFindRig&) = delete;
    DimseFindRig& operator=(const DimseFindRig&) = delete;

    FindEnd find(QueryLevel level, std::string_view keys)
    {
        return find_at(pacs.address(), level, keys);
    }

    FindEnd find_at(dimse::PeerAddress address, QueryLevel level, std::string_view keys)
    {
        dimse::Requestor requestor(std::move(address), ways, pool);
        question.level = level;
        question.keys = data_set(keys);
        found.lines.clear();
        const DimseFindRoom room{name, requestor, options, learned};
        return loop.run(find_by_dimse(room, question, found));
    }

    /// Identifiers of all questions so far.
    std::vector<std::string> asked() const
    {
        std::vector<std::string> out;
        for (const PacsRequest& request : pacs.asked(0x0020))
            out.push_back(request.identifier);
        return out;
    }

    /// Levels of all questions so far, one letter each: "TSI" for study, series, image.
    std::string levels() const
    {
        std::string out;
        for (const std::string& level : values_of(asked(), "0008,0052"))
            out += level == "STUDY" ? 'T' : level == "SERIES" ? 'S' : 'I';
        return out;
    }

private:
    std::string name = "old";
};

} // namespace gantry::tests
