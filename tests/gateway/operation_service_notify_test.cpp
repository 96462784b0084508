#include "gateway/loop/task_group.h"
#include "gateway/operation/service_notify.h"
#include "support/scratch_folder.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <unistd.h>

using namespace gantry;
using namespace gantry::operation;
using namespace std::chrono_literals;

namespace {

using Datagram = boost::asio::local::datagram_protocol;

/// Plays the service manager.
class Manager {
public:
    Manager() : socket_(loop_, Datagram::endpoint((folder_.path() / "notify.sock").string()))
    {
        ::setenv("NOTIFY_SOCKET", (folder_.path() / "notify.sock").c_str(), 1);
    }

    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    ~Manager()
    {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
        ::unsetenv("WATCHDOG_PID");
    }

    std::string heard()
    {
        std::string text(200, '\0');
        text.resize(socket_.receive(boost::asio::buffer(text)));
        return text;
    }

private:
    tests::ScratchFolder folder_;
    boost::asio::io_context loop_;
    Datagram::socket socket_;
};

asio::awaitable<void> feed_and_note(bool* ended)
{
    co_await feed_watchdog();
    *ended = true;
}

} // namespace

TEST_CASE("the service manager is told when gantry is ready, how it is, and that it stops")
{
    Manager manager;
    notify_ready();
    CHECK(manager.heard() == "READY=1");
    notify_status("412 of 412 arrived\nREADY=0");
    CHECK(manager.heard() == "STATUS=412 of 412 arrived");
    notify_stopping();
    CHECK(manager.heard() == "STOPPING=1");
}

TEST_CASE("the watchdog is fed from the loop until it is cancelled")
{
    Manager manager;
    ::setenv("WATCHDOG_USEC", "20000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(watchdog_interval() == 20ms);
    boost::asio::io_context loop;
    TaskGroup tasks(loop.get_executor(), "watchdog");
    bool ended = false;
    tasks.spawn(feed_and_note(&ended));
    for (int i = 0; i < 3; ++i)
        loop.run_one_for(5s);
    CHECK(manager.heard() == "WATCHDOG=1");
    CHECK(manager.heard() == "WATCHDOG=1");
    CHECK_FALSE(ended);
    tasks.cancel();
    loop.run_for(5s);
    CHECK(tasks.size() == 0);
}

TEST_CASE("without a watchdog there is nothing to feed")
{
    ::unsetenv("WATCHDOG_USEC");
    CHECK_FALSE(watchdog_interval().has_value());
    boost::asio::io_context loop;
    TaskGroup tasks(loop.get_executor(), "watchdog");
    bool ended = false;
    tasks.spawn(feed_and_note(&ended));
    loop.run_for(5s);
    CHECK(ended);
}
