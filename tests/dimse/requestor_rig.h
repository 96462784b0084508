// A requestor to a scripted archive, with its loop and its threads. For tests of the requestor.
#pragma once

#include "dimse/error.h"
#include "dimse/requestor.h"
#include "support/data_sets.h"
#include "support/dimse_acceptor.h"
#include "support/loop_thread.h"
#include "support/query_association.h"
#include "support/scripted_pacs.h"
#include "support/signposts.h"

#include <dcmtk/config/osconfig.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <dcmtk/dcmdata/dcdeftag.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What is awaited belongs to the test, which waits for its end.
// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters)
namespace gantry::tests {

inline Uid uid(std::string_view text)
{
    return *Uid::parse(text);
}

inline std::shared_ptr<DcmDataset> keys(std::string_view lines)
{
    return data_set(lines);
}

inline constexpr const char* study_keys = "0008,0052=STUDY | 0020,000d=";

/// Keeps the Study Instance UIDs of matches.
class FoundStudies final : public dimse::MatchSink {
public:
    std::size_t most = 1'000'000;
    std::vector<std::string> uids;

    asio::awaitable<Result<void>> push(std::unique_ptr<DcmDataset> match, bool) override
    {
        OFString found;
        match->findAndGetOFString(DCM_StudyInstanceUID, found);
        uids.emplace_back(found.c_str());
        if (uids.size() >= most)
            co_return dimse::error(dimse::Errc::closed, "enough");
        co_return Result<void>{};
    }
};

inline std::vector<dimse::ProposedContext>
storage(const std::vector<std::string>& classes = {ct_image})
{
    std::vector<dimse::ProposedContext> contexts;
    for (const std::string& sop_class : classes) {
        dimse::ProposedContext context;
        context.abstract_syntax = uid(sop_class);
        context.transfer_syntaxes = {uid(explicit_le), uid(implicit_le)};
        contexts.push_back(std::move(context));
    }
    return contexts;
}

struct RequestorRig {
    LoopThread loop; // outlives the threads that resume coroutines on it
    WorkerPool pool{"outbound", 8};
    dimse::RequestorOptions options;
    RecordingProvider arrivals; // what C-GET brings
    dimse::OnPending progress;

    RequestorRig()
    {
        options.calling_ae_title = *AeTitle::parse("GANTRY");
        options.timeouts.dimse = std::chrono::seconds(20);
    }

    ~RequestorRig() { pool.stop(); }

    RequestorRig(const RequestorRig&) = delete;
    RequestorRig& operator=(const RequestorRig&) = delete;

    dimse::Requestor to(const ScriptedPacs& pacs) { return {pacs.address(), options, pool}; }

    dimse::Requestor to(std::uint16_t port)
    {
        return {{*AeTitle::parse("PACS"), "127.0.0.1", port}, options, pool};
    }

    static dimse::FindInquiry inquiry(std::string_view lines = study_keys)
    {
        return {uid(study_find), keys(lines)};
    }

    Result<dimse::FindAnswer> find(dimse::Requestor& requestor, FoundStudies& found)
    {
        return loop.run(requestor.find(inquiry(), found));
    }

    asio::awaitable<Result<dimse::RetrieveAnswer>>
    getting(dimse::Requestor& requestor, const std::string& study = "1.2")
    {
        dimse::RetrieveInquiry asked{uid(study_get), keys("0008,0052=STUDY | 0020,000d=" + study)};
        auto take = [this](const dimse::StoreRequest& request) {
            return arrivals.begin_store({}, request);
        };
        return requestor.get(std::move(asked), storage(), std::move(take), progress);
    }

    Result<dimse::RetrieveAnswer> get(dimse::Requestor requestor, const std::string& study = "1.2")
    {
        return loop.run(getting(requestor, study));
    }

    Result<dimse::RetrieveAnswer>
    move(dimse::Requestor requestor, const std::string& destination, std::uint16_t message_id = 0)
    {
        dimse::RetrieveInquiry asked{
            uid(study_move), keys("0008,0052=STUDY | 0020,000d=1.2"), message_id
        };
        return loop.run(requestor.move(std::move(asked), *AeTitle::parse(destination), progress));
    }
};

/// Cancels `task` once `posts` reach "give up"; false where it ended before.
template <class T>
asio::awaitable<bool> cancelled_at(Signposts& posts, asio::awaitable<T> task)
{
    using namespace asio::experimental::awaitable_operators;
    auto race = std::move(task) || until(posts, "give up");
    const auto first = co_await std::move(race);
    co_return first.index() == 1;
}

} // namespace gantry::tests

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)
