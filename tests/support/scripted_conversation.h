// One connection of the scripted origin, request after request. Runs on that connection's thread.
#pragma once

#include "support/byte_channel.h"
#include "support/scripted_origin.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace gantry::tests {

/// What all conversations write into and are told by. Its calls may come from several threads.
class ScriptBook {
public:
    virtual ~ScriptBook() = default;
    virtual Reply choose(const ReceivedRequest& request) = 0;
    virtual std::size_t record(const ReceivedRequest& request) = 0;
    virtual void update(std::size_t index, const ReceivedRequest& request) = 0;
    virtual void answered() = 0;
};

class ScriptedConversation {
public:
    ScriptedConversation(ByteChannel& channel, ScriptBook& book, std::size_t number)
        : channel_(channel), book_(book), number_(number)
    {
    }

    void run();

private:
    using Take = std::function<void(std::string_view)>;

    bool more();
    bool read_head(ReceivedRequest& request);
    bool read_sized(std::uint64_t length, std::uint64_t limit, const Take& take);
    bool read_chunked(std::uint64_t limit, const Take& take);
    void read_body(ReceivedRequest& request, const Reply& reply);
    bool take_line(std::string& line);
    bool respond(const ReceivedRequest& request, const Reply& reply);
    bool end(const Reply& reply);
    void tunnel(std::uint16_t port);

    ByteChannel& channel_;
    ScriptBook& book_;
    std::size_t number_;
    std::string buffer_; // received and not used
};

} // namespace gantry::tests
