// gantry queue list, show, retry, drop, hold, release.
#include "gateway/cli/commands.h"
#include "gateway/cli/print.h"
#include "gateway/cli/queue_client.h"
#include "mapping/vocabulary/uid.h"

#include <algorithm>
#include <iostream>
#include <unistd.h>

namespace gantry::cli {

namespace json = boost::json;

namespace {

bool is_number(const std::string& text)
{
    return !text.empty() && text.size() <= 18 &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// One request for each row named, or one for the filters alone.
std::vector<json::object> questions(const QueueSelection& selection)
{
    json::object filters;
    for (const auto& [key, value] :
         {std::pair<const char*, const std::string&>("destination", selection.destination),
          {"state", selection.state},
          {"study", selection.study}}) {
        if (!value.empty())
            filters.emplace(key, value);
    }
    filters.emplace("all", selection.all);
    filters.emplace("limit", selection.limit);
    if (selection.which.empty())
        return {filters};
    std::vector<json::object> out;
    for (const std::string& what : selection.which) {
        json::object question = filters;
        if (is_number(what))
            question.emplace("id", std::stoll(what));
        else
            question.emplace("instance", what);
        out.push_back(std::move(question));
    }
    return out;
}

std::vector<std::string> cells_of(const json::object& row)
{
    std::vector<std::string> cells;
    for (const std::string_view key :
         {"id", "state", "attempts", "destination", "received", "sop_instance_uid", "last_error"})
        cells.push_back(text_of(row, key));
    return cells;
}

void print_block(const json::object& row)
{
    std::vector<std::vector<std::string>> lines;
    for (const auto& member : row) {
        const std::string key(member.key());
        if (const std::string text = text_of(row, key); !text.empty() && key != "destinations")
            lines.push_back({key + ":", text});
    }
    print_table(lines);
}

void print_study(const json::object& study)
{
    print_block(study);
    std::vector<std::vector<std::string>> table{
        {"destination", "arrived", "waiting", "failed", "quarantined", "last error"}
    };
    for (const json::value& each : study.at("destinations").as_array()) {
        const json::object& d = each.as_object();
        table.push_back(
            {text_of(d, "destination"),
             text_of(d, "delivered") + " of " + text_of(study, "received"),
             text_of(d, "waiting"),
             text_of(d, "failed"),
             text_of(d, "quarantined"),
             text_of(d, "last_error")}
        );
    }
    print_table(table);
}

Result<std::vector<json::object>>
collect(const Config& config, std::string_view command, const json::object& args)
{
    std::vector<json::object> rows;
    const auto read =
        read_queue(config, command, args, [&](const json::object& row) { rows.push_back(row); });
    if (!read)
        return read.error();
    return rows;
}

bool confirmed(const char* question)
{
    if (::isatty(STDIN_FILENO) == 0)
        return false;
    std::cerr << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "yes";
}

/// Asks for a change and says how many rows it met.
int change(
    const Context& context,
    const char* command,
    const std::vector<json::object>& requests,
    const char* done
)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    std::int64_t changed = 0;
    for (const json::object& request : requests) {
        const auto answer = ask_service(*config, command, request, [](const json::object&) {});
        if (!answer)
            return complain(answer.error());
        changed += answer->as_object().at("changed").to_number<std::int64_t>();
    }
    if (context.json)
        print_json({{"changed", changed}});
    else
        print_line(std::to_string(changed) + " " + done);
    return changed > 0 ? Exit::done : Exit::failed;
}

bool selects_something(const QueueSelection& selection)
{
    return !selection.which.empty() || !selection.destination.empty() || !selection.state.empty() ||
           !selection.study.empty() || selection.all;
}

int say_which()
{
    complain("say which: row numbers, SOP instance UIDs, --destination, --state, --study or --all");
    return Exit::wrong_usage;
}

} // namespace

int queue_list(const Context& context, const QueueSelection& selection)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    std::vector<std::vector<std::string>> table{
        {"row", "state", "tries", "destination", "received", "instance", "last error"}
    };
    for (const json::object& question : questions(selection)) {
        const auto read = read_queue(*config, "queue.list", question, [&](const json::object& row) {
            if (context.json)
                print_json(row);
            else
                table.push_back(cells_of(row));
        });
        if (!read)
            return complain(read.error());
    }
    if (!context.json && table.size() > 1)
        print_table(table);
    else if (!context.json)
        print_line(
            selection.all ? "nothing" : "nothing is waiting (--all shows what is delivered)"
        );
    if (table.size() > selection.limit)
        std::cerr << "only the first " << selection.limit << ": --limit shows more\n";
    return Exit::done;
}

int queue_show(const Context& context, const std::string& what)
{
    const auto config = load_config(context);
    if (!config)
        return Exit::wrong_usage;
    QueueSelection selection;
    selection.which = {what};
    selection.all = true;
    auto rows = collect(*config, "queue.list", questions(selection).front());
    const bool may_be_study = rows && rows->empty() && !is_number(what);
    if (may_be_study)
        rows = collect(*config, "queue.studies", {{"study", what}});
    if (!rows)
        return complain(rows.error());
    if (rows->empty())
        return complain("there is no row, instance or study " + what);
    for (const json::object& row : *rows) {
        if (context.json)
            print_json(row);
        else if (may_be_study)
            print_study(row);
        else
            print_block(row);
    }
    return Exit::done;
}

int queue_retry(const Context& context, const QueueSelection& selection)
{
    if (!selects_something(selection))
        return say_which();
    return change(context, "queue.retry", questions(selection), "will be tried again now");
}

int queue_drop(const Context& context, const QueueSelection& selection)
{
    if (!selects_something(selection))
        return say_which();
    if (!selection.yes && !confirmed("What is dropped is not delivered any more. Drop it?")) {
        complain("nothing dropped: --yes says that it is meant");
        return Exit::wrong_usage;
    }
    return change(context, "queue.drop", questions(selection), "dropped");
}

int queue_hold(const Context& context, const std::string& destination)
{
    return change(context, "queue.hold", {{{"destination", destination}}}, "destination held");
}

int queue_release(const Context& context, const std::string& destination)
{
    return change(
        context, "queue.release", {{{"destination", destination}}}, "destination released"
    );
}

} // namespace gantry::cli
