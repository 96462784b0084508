#include "gateway/cli/queue_client.h"

#include "gateway/custody/queue.h"
#include "gateway/error.h"
#include "gateway/operation/control.h"
#include "gateway/operation/queue_commands.h"

#include <algorithm>
#include <iostream>

namespace gantry::cli {

namespace {

using custody::QueueReader;

Result<void> read_rows(QueueReader& reader, const boost::json::object& args, const OnRow& on_row)
{
    constexpr std::size_t page = 1'000;
    auto filter = operation::queue_filter(args);
    if (!filter)
        return filter.error();
    std::size_t left = filter->limit;
    while (left > 0) {
        filter->limit = std::min(left, page);
        const auto rows = reader.list(*filter);
        if (!rows)
            return rows.error();
        for (const custody::QueueRow& row : *rows)
            on_row(operation::row_json(row));
        if (rows->size() < filter->limit)
            break;
        left -= rows->size();
        filter->after = rows->back().id;
    }
    return {};
}

Result<void> read_studies(QueueReader& reader, const boost::json::object& args, const OnRow& on_row)
{
    const auto filter = operation::queue_filter(args);
    if (!filter)
        return filter.error();
    const auto studies = reader.studies(filter->study, filter->limit);
    if (!studies)
        return studies.error();
    for (const custody::StudySummary& study : *studies)
        on_row(operation::study_json(study));
    return {};
}

} // namespace

Result<boost::json::value> ask_service(
    const Config& config,
    std::string_view command,
    const boost::json::object& args,
    const OnRow& on_row
)
{
    const operation::ControlClient service(config.control_socket());
    return service.call(command, args, on_row);
}

Result<void> read_queue(
    const Config& config,
    std::string_view command,
    const boost::json::object& args,
    const OnRow& on_row
)
{
    const auto answer = ask_service(config, command, args, on_row);
    if (answer)
        return {};
    if (answer.error().code != make_error_code(Errc::unavailable))
        return answer.error();
    std::vector<std::string> destinations;
    for (const config::Origin& origin : config.origins)
        destinations.push_back(origin.name);
    const auto reader = QueueReader::open(config.queue_database(), std::move(destinations));
    if (!reader)
        return error(
            Errc::unavailable,
            answer.error().detail + ", and its queue cannot be read: " + reader.error().text()
        );
    std::cerr << "gantry is not running: this is what its queue holds\n";
    return command == "queue.studies" ? read_studies(**reader, args, on_row)
                                      : read_rows(**reader, args, on_row);
}

} // namespace gantry::cli
