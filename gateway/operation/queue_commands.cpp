#include "gateway/operation/queue_commands.h"

#include "gateway/error.h"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>
#include <utility>

namespace gantry::operation {

namespace {

using custody::DeliveryQueue;
using custody::QueueFilter;
using custody::QueueRow;

Error wrong(std::string detail)
{
    return error(Errc::unsupported, std::move(detail));
}

Result<std::string> text_of(const json::object& args, std::string_view key)
{
    const json::value* const value = args.if_contains(key);
    if (value == nullptr || value->is_null())
        return std::string();
    if (!value->is_string())
        return wrong(std::string(key) + " must be a text");
    return std::string(value->as_string());
}

Result<std::optional<Uid>> uid_of(const json::object& args, std::string_view key)
{
    const auto text = text_of(args, key);
    if (!text)
        return text.error();
    if (text->empty())
        return std::optional<Uid>();
    auto uid = Uid::parse(*text);
    if (!uid)
        return wrong(*text + " is not a UID");
    return uid;
}

/// A whole number that is not negative; empty where absent.
Result<std::optional<std::int64_t>> number_of(const json::object& args, std::string_view key)
{
    const json::value* const value = args.if_contains(key);
    if (value == nullptr || value->is_null())
        return std::optional<std::int64_t>();
    boost::system::error_code ec;
    const auto number = value->to_number<std::int64_t>(ec);
    if (ec || number < 0)
        return wrong(std::string(key) + " must be a whole number");
    return std::optional(number);
}

bool selects_something(const QueueFilter& filter)
{
    return filter.destination || filter.state || filter.study || filter.instance || filter.id;
}

// NOLINTBEGIN(cppcoreguidelines-avoid-reference-coroutine-parameters): the sink's owner awaits

asio::awaitable<Result<json::value>>
list_rows(DeliveryQueue* queue, json::object args, ControlRows& rows)
{
    constexpr std::size_t page = 1'000;
    auto filter = queue_filter(args);
    if (!filter)
        co_return filter.error();
    std::size_t left = filter->limit;
    std::uint64_t given = 0;
    while (left > 0) {
        filter->limit = std::min(left, page);
        const QueueFilter question = *filter;
        const auto found = co_await queue->list(question);
        if (!found)
            co_return found.error();
        for (const QueueRow& each : *found) {
            json::object row = row_json(each);
            const auto taken = co_await rows.row(std::move(row));
            if (!taken)
                co_return taken.error();
        }
        given += found->size();
        left -= found->size();
        if (found->size() < question.limit)
            break;
        filter->after = found->back().id;
    }
    co_return json::value{{"rows", given}, {"more", left == 0}};
}

asio::awaitable<Result<json::value>>
list_studies(DeliveryQueue* queue, json::object args, ControlRows& rows)
{
    const auto study = uid_of(args, "study");
    if (!study)
        co_return study.error();
    const auto limit = number_of(args, "limit");
    if (!limit)
        co_return limit.error();
    const auto count = static_cast<std::size_t>(limit->value_or(100));
    const auto found = co_await queue->studies(*study, count);
    if (!found)
        co_return found.error();
    for (const auto& each : *found) {
        json::object row = study_json(each);
        const auto taken = co_await rows.row(std::move(row));
        if (!taken)
            co_return taken.error();
    }
    co_return json::value{{"rows", found->size()}};
}

using Verb = asio::awaitable<Result<std::uint64_t>> (DeliveryQueue::*)(QueueFilter);

asio::awaitable<Result<json::value>> change_rows(DeliveryQueue* queue, Verb verb, json::object args)
{
    auto filter = queue_filter(args);
    if (!filter)
        co_return filter.error();
    if (!selects_something(*filter) && !filter->all)
        co_return wrong("say which: an id, a UID, a destination or a state");
    QueueFilter question = std::move(*filter);
    const auto changed = co_await (queue->*verb)(std::move(question));
    if (!changed)
        co_return changed.error();
    co_return json::value{{"changed", *changed}};
}

using DestinationVerb = asio::awaitable<Result<void>> (DeliveryQueue::*)(std::string);

asio::awaitable<Result<json::value>>
change_destination(DeliveryQueue* queue, DestinationVerb verb, json::object args)
{
    auto name = text_of(args, "destination");
    if (!name)
        co_return name.error();
    if (name->empty())
        co_return wrong("say which destination");
    std::string destination = std::move(*name);
    const auto done = co_await (queue->*verb)(std::move(destination));
    if (!done)
        co_return done.error();
    co_return json::value{{"changed", 1}};
}

std::string base64(std::span<const std::byte> bytes)
{
    std::string text(((bytes.size() + 2) / 3 * 4) + 1, '\0');
    const int length = ::EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(text.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        static_cast<int>(bytes.size())
    );
    text.resize(static_cast<std::size_t>(length));
    return text;
}

/// One spool file on its way out, read on the disk's threads.
struct Export {
    std::unique_ptr<custody::SpoolReader> reader;
    std::array<std::byte, 48U << 10U> buffer{}; // a multiple of 3: the pieces of base64 join

    static Result<std::shared_ptr<Export>>
    open(custody::Spool* spool, const std::string& slot, custody::ReceiptId receipt)
    {
        auto opened = spool->read(slot);
        if (!opened)
            return opened.error();
        // Slots are used again: the row may be older than what the slot holds now.
        if ((*opened)->envelope().id != receipt)
            return error(Errc::not_found, "the file has been released");
        auto exporting = std::make_shared<Export>();
        exporting->reader = std::move(*opened);
        return exporting;
    }

    /// Fills the buffer where there is enough left.
    Result<std::size_t> read()
    {
        std::size_t filled = 0;
        while (filled < buffer.size()) {
            const auto count = reader->read(std::span(buffer).subspan(filled));
            if (!count)
                return count.error();
            if (*count == 0)
                break;
            filled += *count;
        }
        return filled;
    }
};

asio::awaitable<Result<json::value>>
send_file(std::shared_ptr<Export> exporting, WorkerPool* disk, ControlRows& rows)
{
    for (;;) {
        auto work = [exporting](std::stop_token) { return exporting->read(); };
        const Result<std::size_t> count = co_await offload(*disk, std::move(work));
        if (!count)
            co_return count.error();
        if (*count == 0)
            co_return json::value{{"complete", true}};
        json::object row;
        row.emplace("data", base64(std::span(exporting->buffer).first(*count)));
        const auto taken = co_await rows.row(std::move(row));
        if (!taken)
            co_return taken.error();
    }
}

struct ExportSources {
    DeliveryQueue* queue;
    custody::Spool* spool;
    WorkerPool* disk;
};

/// First the row, then its data set in pieces; a damaged one ends with an error.
asio::awaitable<Result<json::value>>
export_row(ExportSources sources, json::object args, ControlRows& rows)
{
    auto filter = queue_filter(args);
    if (!filter)
        co_return filter.error();
    if (!filter->id)
        co_return wrong("say which: an id of gantry queue list");
    filter->all = true;
    QueueFilter question = std::move(*filter);
    const auto found = co_await sources.queue->list(std::move(question));
    if (!found)
        co_return found.error();
    if (found->empty() || found->front().slot.empty())
        co_return error(
            Errc::not_found, found->empty() ? "there is no such row" : "its file has been released"
        );
    const QueueRow row = found->front();
    auto work = [spool = sources.spool, slot = row.slot, receipt = row.receipt](std::stop_token) {
        return Export::open(spool, slot, receipt);
    };
    const auto exporting = co_await offload(*sources.disk, std::move(work));
    if (!exporting)
        co_return exporting.error();
    json::object first = row_json(row);
    const auto taken = co_await rows.row(std::move(first));
    if (!taken)
        co_return taken.error();
    co_return co_await send_file(*exporting, sources.disk, rows);
}

asio::awaitable<Result<json::value>> report_status(StatusSource source)
{
    const auto report = co_await source();
    if (!report)
        co_return report.error();
    co_return json::value(status_json(*report));
}

// NOLINTEND(cppcoreguidelines-avoid-reference-coroutine-parameters)

} // namespace

Result<QueueFilter> queue_filter(const json::object& args)
{
    QueueFilter filter;
    const json::value* const all = args.if_contains("all");
    filter.all = all != nullptr && all->is_bool() && all->as_bool();
    const auto destination = text_of(args, "destination");
    const auto state = text_of(args, "state");
    const auto study = uid_of(args, "study");
    const auto instance = uid_of(args, "instance");
    const auto id = number_of(args, "id");
    const auto limit = number_of(args, "limit");
    if (!destination)
        return destination.error();
    if (!state)
        return state.error();
    if (!study)
        return study.error();
    if (!instance)
        return instance.error();
    if (!id)
        return id.error();
    if (!limit)
        return limit.error();
    if (!destination->empty())
        filter.destination = *destination;
    if (!state->empty()) {
        filter.state = custody::delivery_state(*state);
        if (!filter.state)
            return wrong("\"" + *state + "\" is no state of a delivery");
    }
    filter.study = *study;
    filter.instance = *instance;
    filter.id = *id;
    filter.limit = static_cast<std::size_t>(limit->value_or(1'000));
    return filter;
}

json::object row_json(const QueueRow& row)
{
    const auto time = [](const std::optional<WallTime>& at) {
        return at ? json::value(iso_time(*at)) : json::value();
    };
    return {
        {"id", row.id},
        {"sop_instance_uid", row.key.sop.sop_instance.str()},
        {"study_instance_uid", row.key.study.str()},
        {"series_instance_uid", row.key.series.str()},
        {"sop_class_uid", row.key.sop.sop_class.str()},
        {"transfer_syntax_uid", row.key.transfer_syntax.str()},
        {"destination", row.destination},
        {"state", custody::to_string(row.state)},
        {"attempts", row.attempts},
        {"next_attempt", time(row.next_attempt)},
        {"last_error", row.last_error},
        {"answer", row.answer},
        {"received", iso_time(row.received)},
        {"delivered", time(row.delivered)},
        {"calling_ae_title", row.calling_ae},
        {"peer_address", row.peer_address},
        {"bytes", row.bytes.count},
    };
}

json::object study_json(const custody::StudySummary& study)
{
    json::array destinations;
    for (const custody::DestinationSummary& each : study.destinations)
        destinations.push_back(json::object{
            {"destination", each.destination},
            {"delivered", each.delivered},
            {"waiting", each.queued + each.sending + each.deferred + each.held_rows},
            {"failed", each.failed},
            {"quarantined", each.quarantined},
            {"dropped", each.dropped},
            {"last_delivered",
             each.last_delivered ? json::value(iso_time(*each.last_delivered)) : json::value()},
            {"last_error", each.last_error},
        });
    return {
        {"study_instance_uid", study.study.str()},
        {"received", study.received},
        {"first_received", iso_time(study.first_received)},
        {"last_received", iso_time(study.last_received)},
        {"destinations", std::move(destinations)},
    };
}

void add_queue_commands(
    ControlCommands& commands, DeliveryQueue& queue, custody::Spool& spool, WorkerPool& disk
)
{
    DeliveryQueue* const q = &queue;
    // Lambdas that call coroutines, not coroutines themselves: their captures live in `commands`.
    commands.add("queue.list", [q](json::object args, ControlRows& rows) {
        return list_rows(q, std::move(args), rows);
    });
    commands.add("queue.studies", [q](json::object args, ControlRows& rows) {
        return list_studies(q, std::move(args), rows);
    });
    commands.add("queue.retry", [q](json::object args, ControlRows&) {
        return change_rows(q, &DeliveryQueue::retry, std::move(args));
    });
    commands.add("queue.drop", [q](json::object args, ControlRows&) {
        return change_rows(q, &DeliveryQueue::drop, std::move(args));
    });
    commands.add("queue.hold", [q](json::object args, ControlRows&) {
        return change_destination(q, &DeliveryQueue::hold, std::move(args));
    });
    commands.add("queue.release", [q](json::object args, ControlRows&) {
        return change_destination(q, &DeliveryQueue::release, std::move(args));
    });
    const ExportSources sources{q, &spool, &disk};
    commands.add("queue.export", [sources](json::object args, ControlRows& rows) {
        return export_row(sources, std::move(args), rows);
    });
}

void add_status_command(ControlCommands& commands, StatusSource source)
{
    commands.add("status", [source = std::move(source)](json::object, ControlRows&) {
        return report_status(source);
    });
}

} // namespace gantry::operation
