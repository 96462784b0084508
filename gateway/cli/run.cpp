// The words of the command line; what they do is in the other files.
#include "gateway/cli/run.h"

#include "gateway/cli/commands.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <spdlog/spdlog.h>

#include <functional>
#include <iostream>

namespace gantry::cli {

namespace {

/// Everything that can be written, in one place, so that the parser can fill it.
struct Words {
    Context context;
    QueueSelection selection;
    std::string what;
    std::vector<std::string> rows;
    std::string folder = ".";
    std::filesystem::path save;
    SendArguments send;
    std::function<int()> chosen; // what to do when all has been read
};

void add_basic(CLI::App& app, Words& words)
{
    const auto add = [&](const char* name, const char* help, int (*command)(const Context&)) {
        app.add_subcommand(name, help)->callback([&words, command] {
            words.chosen = [&words, command] { return command(words.context); };
        });
    };
    add("serve", "Run the gateway until it is told to stop", &serve);
    add("check", "Check the configuration: every problem, with its line", &check);
    add("status", "What the running gateway is doing", &status);
    add("version", "The version of gantry and of its libraries", &version);
}

void add_selection(CLI::App& command, QueueSelection& selection)
{
    command.add_option("which", selection.which, "Row numbers or SOP instance UIDs");
    command.add_option("--destination", selection.destination, "Only of this destination");
    command.add_option(
        "--state", selection.state, "Only in this state: queued, deferred, failed, quarantined ..."
    );
    command.add_option("--study", selection.study, "Only of this Study Instance UID");
}

void add_queue_reading(CLI::App& queue, Words& words)
{
    CLI::App* const list = queue.add_subcommand("list", "What is waiting, and what needs a person");
    add_selection(*list, words.selection);
    list->add_flag("--all", words.selection.all, "What is delivered as well");
    list->add_option("--limit", words.selection.limit, "At most so many rows (1000)");
    list->callback([&words] {
        words.chosen = [&words] { return queue_list(words.context, words.selection); };
    });
    CLI::App* const show = queue.add_subcommand("show", "All about a row, an instance or a study");
    show->add_option("what", words.what, "Row number, SOP instance UID or Study Instance UID")
        ->required();
    show->callback([&words] {
        words.chosen = [&words] { return queue_show(words.context, words.what); };
    });
    CLI::App* const exported = queue.add_subcommand("export", "Write instances as DICOM files");
    exported->add_option("rows", words.rows, "Row numbers")->required();
    exported->add_option("--to", words.folder, "Folder to write into (here)");
    exported->callback([&words] {
        words.chosen = [&words] { return queue_export(words.context, words.rows, words.folder); };
    });
}

void add_queue_changes(CLI::App& queue, Words& words)
{
    CLI::App* const retry = queue.add_subcommand("retry", "Try again now");
    add_selection(*retry, words.selection);
    retry->add_flag(
        "--all", words.selection.all, "Everything that failed, is deferred or quarantined"
    );
    retry->callback([&words] {
        words.chosen = [&words] { return queue_retry(words.context, words.selection); };
    });
    CLI::App* const drop = queue.add_subcommand("drop", "Give up: will not be delivered any more");
    add_selection(*drop, words.selection);
    drop->add_flag("--yes", words.selection.yes, "Do not ask back");
    drop->callback([&words] {
        words.chosen = [&words] { return queue_drop(words.context, words.selection); };
    });
    const auto add = [&](const char* name,
                         const char* help,
                         int (*command)(const Context&, const std::string&)) {
        CLI::App* const sub = queue.add_subcommand(name, help);
        sub->add_option("destination", words.what, "Name of the origin")->required();
        sub->callback([&words, command] {
            words.chosen = [&words, command] { return command(words.context, words.what); };
        });
    };
    add("hold", "Send nothing to a destination until it is released", &queue_hold);
    add("release", "Send to a destination again", &queue_release);
}

void add_network(CLI::App& app, Words& words)
{
    CLI::App* const send = app.add_subcommand("send", "Store files as a modality would");
    send->add_option("files", words.send.paths, "DICOM files, and folders of them")->required();
    send->add_option("--to", words.send.to, "AE title of a peer (this gantry itself)");
    send->add_option("--address", words.send.address, "host:port instead of the configured one");
    send->add_option("--calling", words.send.calling, "Calling AE title");
    send->callback([&words] {
        words.chosen = [&words] { return cli::send(words.context, words.send); };
    });
    CLI::App* const doctor = app.add_subcommand(
        "doctor", "Why a peer or an origin does not work, and which side is wrong"
    );
    doctor->add_option("name", words.what, "AE title of a peer, or name of an origin")->required();
    doctor->add_option(
        "--save", words.save, "Write what a web origin can and cannot do, for its profile"
    );
    doctor->callback([&words] {
        words.chosen = [&words] { return cli::doctor(words.context, words.what, words.save); };
    });
}

int parse_and_run(CLI::App& app, Words& words, int argc, char** argv)
{
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help();
        return Exit::done;
    } catch (const CLI::ParseError& wrong) {
        std::cerr << "gantry: " << wrong.what() << "\nTry: gantry --help\n";
        return Exit::wrong_usage;
    }
    if (!words.chosen) {
        std::cerr << app.help();
        return Exit::wrong_usage;
    }
    spdlog::set_level(spdlog::level::off); // serve sets up its own
    return words.chosen();
}

} // namespace

int run(int argc, char** argv)
{
    Words words;
    CLI::App app{"gantry: a gateway between DICOM networks and DICOMweb", "gantry"};
    app.add_option("-c,--config", words.context.config, "Configuration (/etc/gantry/gantry.yaml)");
    app.add_flag("--json", words.context.json, "Output for scripts");
    app.require_subcommand(1);
    app.fallthrough();
    add_basic(app, words);
    add_network(app, words);
    CLI::App* const queue =
        app.add_subcommand("queue", "What gantry has taken and still has to deliver");
    queue->require_subcommand(1);
    queue->fallthrough();
    add_queue_reading(*queue, words);
    add_queue_changes(*queue, words);
    for (CLI::App* const sub : queue->get_subcommands({}))
        sub->fallthrough();
    for (CLI::App* const sub : app.get_subcommands({}))
        sub->fallthrough();
    return parse_and_run(app, words, argc, argv);
}

} // namespace gantry::cli
