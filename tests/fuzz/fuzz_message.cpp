// What a peer may send on an association: command sets and data sets in PDVs, good and bad.
#include "dimse/connection.h"
#include "dimse/message_stream.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <stop_token>
#include <sys/socket.h>

using namespace gantry;
using namespace gantry::dimse;

namespace {

// Fits into the socket, so that one thread can play both sides.
constexpr std::size_t max_input = 60'000;

Interruption read_data_set(MessageReader& reader, std::uint8_t context, std::size_t& total)
{
    for (;;) {
        ConstBytes fragment;
        if (const Interruption met = reader.read_data(context, fragment); met != Interruption::none)
            return met;
        if (fragment.empty())
            return Interruption::none;
        total += fragment.size();
    }
}

void converse(Connection& connection, std::size_t size)
{
    MessageReader reader(connection, 16'384);
    std::size_t total = 0;
    for (;;) {
        CommandMessage message;
        if (reader.read_command(message) != Interruption::none)
            break;
        (void)message.set.text(element::affected_sop_instance);
        (void)message.set.us(element::message_id);
        if (message.set.has_data_set() &&
            read_data_set(reader, message.context, total) != Interruption::none)
            break;
    }
    if (total > size)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size > max_input)
        return 0;
    int pair[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
        std::abort();
    {
        const FileDescriptor peer(pair[1]);
        if (::send(pair[1], data, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size))
            std::abort();
    }
    static const StopSignal never{std::stop_token{}};
    Connection connection(FileDescriptor(pair[0]), never, std::chrono::milliseconds(50));
    converse(connection, size);
    return 0;
}
