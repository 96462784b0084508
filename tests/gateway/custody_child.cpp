// The process that the crash tests kill: takes instances into custody, delivers some, and says in a
// log of its own, outside of the folder that the faults apply to, what it was told.
//
// usage: custody_child FOLDER LOG RULES
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>

#include "tests/gateway/custody_queue_fixture.h"
#include "tests/support/fault_shim.h"

using namespace gantry;
using namespace gantry::custody;
using namespace gantry::tests;

namespace {

constexpr unsigned instances = 8;

class Log {
public:
    explicit Log(const char* path) : fd_(::open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) {}

    void say(const std::string& what, std::uint64_t number)
    {
        const std::string line = what + " " + std::to_string(number) + "\n";
        if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            std::abort();
    }

private:
    int fd_;
};

// What a modality, gantry and an archive do, in this order; two of three are delivered, so that
// slots are used again while others wait.
void live(QueueFixture& gantry, Log& log)
{
    gantry.open();
    for (unsigned i = 1; i <= instances; ++i) {
        const auto stored = store(*gantry.spool, envelope_of(1, i), content_of(i));
        log.say("acknowledged", i);
        gantry.queue->enqueue(stored);
        if (i % 3 == 0)
            continue;
        for (const Delivery& delivery : gantry.claim("cloud", 1)) {
            const auto number =
                std::stoul(delivery.instance.envelope.key.sop.sop_instance.str().substr(8));
            log.say("archived", number);
            gantry.record(delivery, DeliveryState::delivered);
            log.say("recorded", number);
        }
    }
    gantry.close();
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 4)
        return EXIT_FAILURE;
    spdlog::set_level(spdlog::level::off);
    // What it leaves behind when it is killed goes with the parent's folder.
    const auto around = std::filesystem::path(argv[1]).parent_path();
    ::setenv("TMPDIR", around.c_str(), 1); // NOLINT(concurrency-mt-unsafe): no thread runs yet
    try {
        QueueFixture gantry;
        gantry.spool_options.folder = std::string(argv[1]) + "/spool";
        gantry.queue_options.database = std::string(argv[1]) + "/queue.db";
        Log log(argv[2]);
        gantry_faults_set(argv[3]);
        live(gantry, log);
    } catch (const std::exception& fault) {
        std::cerr << fault.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
