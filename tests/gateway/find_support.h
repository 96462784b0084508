// A web origin that searches a scripted archive. For tests.
#pragma once

#include "gateway/origins/qido_find.h"
#include "web/client.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/run.h"
#include "tests/support/scripted_origin.h"

namespace gantry::tests {

/// Study `number` of an archive as a QIDO-RS result.
std::string study_json(unsigned number);

/// "[...]" of studies `from` up to, not including, `to`.
std::string studies_json(unsigned from, unsigned to);

Reply qido_reply(std::string body);

/// The value of a parameter of a request's target; empty where it is absent.
std::string parameter(const ReceivedRequest& request, const std::string& name);

/// An archive of `count` studies, with habits.
struct StudyArchive {
    unsigned count = 0;
    unsigned cap = 1'000'000; // of a page, whatever is asked for
    bool honours_limit = true;
    bool honours_offset = true;
    bool warns = false;   // Warning 299 where there are more
    unsigned overlap = 0; // results of the page before that are given again

    Reply answer(const ReceivedRequest& request) const;
};

/// What came of a find.
struct Found {
    FindEnd end;
    std::vector<std::string> uids; // unique keys of the level, in order
};

/// "complete", or "limit: reason".
std::string told(const FindEnd& end);

/// Client, archive, and what is remembered between finds.
struct FindHouse {
    explicit FindHouse(web::ClientOptions options = quick());

    static web::ClientOptions quick();

    Found find(FindQuestion question = studies());
    static FindQuestion studies();
    static FindQuestion
    question(QueryLevel level, const std::vector<std::pair<std::string, std::string>>& keys);

    SearchRoom room() { return {name, *client, profile, learned, limits}; }

    /// The targets that were asked for so far.
    std::vector<std::string> targets() const;

    ScriptedOrigin archive;
    asio::io_context loop;
    std::unique_ptr<web::Client> client;
    std::string name = "cloud";
    OriginProfile profile;
    SearchMemory learned;
    SearchLimits limits;
    std::function<asio::awaitable<Result<void>>(std::size_t)> on_match; // its number, from 1
};

} // namespace gantry::tests
