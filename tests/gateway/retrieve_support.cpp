#include "retrieve_support.h"

#include "dimse/error.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

namespace gantry::tests {

namespace {

std::string element(unsigned group, unsigned number, const char* vr, std::string value)
{
    if (value.size() % 2 != 0)
        value.push_back('\0');
    std::string out;
    for (const unsigned half : {group, number}) {
        out.push_back(static_cast<char>(half & 0xffU));
        out.push_back(static_cast<char>(half >> 8U));
    }
    out += vr;
    out.push_back(static_cast<char>(value.size()));
    out.push_back('\0');
    return out + value;
}

/// A content that can be read from the loop only.
class LoopContent final : public InstanceContent {
public:
    explicit LoopContent(std::unique_ptr<InstanceContent> content) : content_(std::move(content)) {}

    const InstanceKey& key() const override { return content_->key(); }

    AeTitle source_ae() const override { return {}; }

    Bytes length() const override { return content_->length(); }

    asio::awaitable<Result<ConstBytes>> read() override { return content_->read(); }

    void rewind() override { content_->rewind(); }

private:
    std::unique_ptr<InstanceContent> content_;
};

std::unique_ptr<InstanceContent> content_of(const StoredFake& stored, bool from_loop)
{
    const auto bytes = std::make_shared<const std::string>(stored.data_set);
    std::unique_ptr<InstanceContent> content = std::make_unique<HeldContent>(
        stored.key,
        AeTitle{},
        HeldContent::Held{bytes, std::as_bytes(std::span(bytes->data(), bytes->size()))}
    );
    if (from_loop)
        content = std::make_unique<LoopContent>(std::move(content));
    return content;
}

/// What both ways of sending have in common.
class ScriptedChannel final : public dimse::StoreAssociation {
public:
    ScriptedChannel(Receiver& receiver, std::vector<dimse::ProposedContext> contexts)
        : receiver_(receiver), contexts_(std::move(contexts))
    {
        receiver_.most_open = std::max(receiver_.most_open, ++receiver_.open_now);
    }

    ScriptedChannel(const ScriptedChannel&) = delete;
    ScriptedChannel& operator=(const ScriptedChannel&) = delete;

    ~ScriptedChannel() override { --receiver_.open_now; }

    std::vector<Uid> accepted(const Uid& sop_class) const override
    {
        std::vector<Uid> out;
        for (const auto& context : contexts_)
            if (context.abstract_syntax == sop_class &&
                !receiver_.refuses.contains(sop_class.str()))
                for (const Uid& syntax : context.transfer_syntaxes)
                    if (receiver_.takes.contains(syntax.str()))
                        out.push_back(syntax);
        return out;
    }

    asio::awaitable<Result<DimseStatus>> store(dimse::OutgoingInstance instance) override
    {
        const auto taken = accepted(instance.key.sop.sop_class);
        if (std::ranges::find(taken, instance.key.transfer_syntax) == taken.end())
            co_return dimse::error(dimse::Errc::no_context);
        Sent sent{instance.key, {}, instance.priority, instance.originator};
        for (;;) {
            const auto piece = instance.data_set->next();
            if (!piece)
                co_return piece.error();
            if (piece->empty())
                break;
            sent.bytes.append(reinterpret_cast<const char*>(piece->data()), piece->size());
        }
        const std::string name = sent.key.sop.sop_instance.str();
        if (receiver_.before_answer) {
            ++receiver_.aborted_stores;
            co_await receiver_.before_answer(sent);
            --receiver_.aborted_stores;
        }
        if (receiver_.breaks.contains(name)) {
            usable_ = false;
            co_return dimse::error(dimse::Errc::aborted, "A-ABORT");
        }
        receiver_.sent.push_back(std::move(sent));
        usable_ = !receiver_.dies_after.contains(name);
        const auto status = receiver_.status.find(name);
        co_return DimseStatus{
            status == receiver_.status.end() ? std::uint16_t{0} : status->second, {}
        };
    }

    bool usable() const override { return usable_; }

    asio::awaitable<void> release() override
    {
        usable_ = false;
        ++receiver_.released;
        co_return;
    }

private:
    Receiver& receiver_;
    std::vector<dimse::ProposedContext> contexts_;
    bool usable_ = true;
};

asio::awaitable<Result<std::unique_ptr<dimse::StoreAssociation>>>
open_scripted(Receiver* receiver, std::vector<dimse::ProposedContext> proposals)
{
    co_await pass();
    receiver->opened.push_back(proposals);
    if (!receiver->unreachable.empty()) {
        const Error why = receiver->unreachable.front();
        receiver->unreachable.erase(receiver->unreachable.begin());
        co_return why;
    }
    std::unique_ptr<dimse::StoreAssociation> made =
        std::make_unique<ScriptedChannel>(*receiver, std::move(proposals));
    co_return made;
}

} // namespace

std::string small_data_set(const std::string& sop_instance)
{
    return element(0x0008, 0x0018, "UI", sop_instance) + element(0x0010, 0x0010, "PN", "A^B ");
}

std::string slice(std::size_t number)
{
    return "1.2.3." + std::to_string(number);
}

asio::awaitable<void> pass()
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

asio::awaitable<void> until(std::function<bool()> met)
{
    asio::steady_timer pause(co_await asio::this_coro::executor);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!met()) {
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("it did not come to that");
        pause.expires_after(std::chrono::milliseconds(1));
        co_await pause.async_wait(asio::use_awaitable);
    }
}

void ScriptedArchive::fill(std::size_t count, const std::string& sop_class)
{
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = slice(has.size() + 1);
        has.push_back(
            {{uid("1.2.3"), uid("1.2.3.0"), {uid(sop_class), uid(name)}, uid(explicit_syntax)},
             small_data_set(name)}
        );
    }
}

asio::awaitable<RetrieveEnd>
ScriptedArchive::retrieve(RetrieveQuestion asked_for, RetrieveSink& sink)
{
    ++asked;
    question = std::move(asked_for);
    most_under_way = std::max(most_under_way, ++under_way);

    struct Ended {
        std::size_t& count;

        ~Ended() { --count; }
    } const ended{under_way};

    cancelled = true; // unless it comes to its end
    RetrieveEnd given = co_await give(sink);
    cancelled = false;
    co_return given;
}

asio::awaitable<RetrieveEnd> ScriptedArchive::give(RetrieveSink& sink)
{
    if (silent)
        co_return end;
    const auto expected = co_await announce(sink);
    if (!expected)
        co_return refused(expected.error());
    std::size_t number = 0;
    for (const StoredFake& stored : has) {
        const std::string sop_class = stored.key.sop.sop_class.str();
        acceptable[sop_class] = sink.acceptable(stored.key.sop.sop_class);
        const auto& wanted = acceptable[sop_class];
        if ((wanted && wanted->empty()) || withheld.contains(stored.key.sop.sop_instance.str()))
            continue;
        if (before)
            co_await before(number++);
        const auto taken = co_await sink.instance(content_of(stored, from_loop));
        if (!taken)
            co_return refused(taken.error());
    }
    co_return end;
}

asio::awaitable<Result<void>> ScriptedArchive::announce(RetrieveSink& sink)
{
    std::vector<InstanceKey> keys;
    for (const StoredFake& stored : has)
        if (!unannounced.contains(stored.key.sop.sop_instance.str()))
            keys.push_back(stored.key);
    if (!by_number || !sink.takes_number())
        co_return co_await sink.expect(std::move(keys));
    std::vector<InstanceKey> some;
    for (const InstanceKey& key : keys) {
        const auto of_its_class = [&key](const InstanceKey& other) {
            return other.sop.sop_class == key.sop.sop_class;
        };
        if (some.size() < examples && std::ranges::none_of(some, of_its_class))
            some.push_back(key);
    }
    co_return co_await sink.expect_number(*by_number, std::move(some));
}

/// What was not given is named.
RetrieveEnd ScriptedArchive::refused(const Error& why) const
{
    RetrieveEnd given{false, Shortfall::failed, {}, why.text()};
    if (by_number)
        for (const StoredFake& stored : has)
            given.missing.push_back(stored.key.sop);
    return given;
}

OpenStore scripted_opener(Receiver& receiver)
{
    return [&receiver](dimse::PeerAddress, std::vector<dimse::ProposedContext> proposals) {
        return open_scripted(&receiver, std::move(proposals));
    };
}

std::unique_ptr<dimse::StoreChannel>
scripted_channel(Receiver& receiver, std::vector<dimse::ProposedContext> accepted)
{
    return std::make_unique<ScriptedChannel>(receiver, std::move(accepted));
}

RetrieveWorld::RetrieveWorld()
{
    options.scratch = folder.path();
    options.destinations[ae("WORKSTATION")] = {{ae("WORKSTATION"), "localhost", 104}, {}, 4};
    options.destinations[ae("OTHER")] = {{ae("OTHER"), "localhost", 105}, {}, 4};
}

RetrieveWorld::~RetrieveWorld()
{
    for (WorkerPool* pool : {&disk, &transcoders}) {
        pool->stop();
        pool->join();
    }
}

dimse::RetrieveRequest RetrieveWorld::move(const std::string& study) const
{
    dimse::RetrieveRequest request = get(study);
    request.sop_class = uid(study_root_move);
    request.move_destination = ae("WORKSTATION");
    return request;
}

dimse::RetrieveRequest RetrieveWorld::get(const std::string& study) const
{
    auto identifier = std::make_shared<DcmDataset>();
    identifier->putAndInsertString(DCM_QueryRetrieveLevel, "STUDY");
    identifier->putAndInsertString(DCM_StudyInstanceUID, study.c_str());
    dimse::RetrieveRequest request;
    request.sop_class = uid(study_root_get);
    request.message_id = 7;
    request.priority = 1;
    request.identifier = identifier;
    return request;
}

Retrieval& RetrieveWorld::retrieval()
{
    if (!retrieval_) {
        Retrieval::Means means{
            loop.get_executor(), archive, scripted_opener(receiver), disk, transcoders
        };
        retrieval_ = std::make_unique<Retrieval>(options, std::move(means));
    }
    return *retrieval_;
}

asio::awaitable<dimse::RetrieveOutcome>
RetrieveWorld::ask(dimse::RetrieveRequest request, const std::string& calling)
{
    return ask(std::move(request), calling, session);
}

asio::awaitable<dimse::RetrieveOutcome>
RetrieveWorld::ask(dimse::RetrieveRequest request, const std::string& calling, ScriptedSession& on)
{
    dimse::AssociationInfo peer;
    peer.id = 1;
    peer.calling = ae(calling);
    return retrieval().run(std::move(peer), std::move(request), on);
}

dimse::RetrieveOutcome RetrieveWorld::run_move(const std::string& study)
{
    return run(loop, ask(move(study)));
}

dimse::RetrieveOutcome RetrieveWorld::run_get()
{
    return run(loop, ask(get()));
}

void RetrieveWorld::check_counters(const dimse::RetrieveOutcome& outcome, std::size_t total) const
{
    std::uint32_t remaining = static_cast<std::uint32_t>(total);
    for (const dimse::SubOperations& counts : session.pendings) {
        CHECK(counts.remaining + counts.completed + counts.failed + counts.warning == total);
        CHECK(counts.remaining <= remaining);
        remaining = counts.remaining;
    }
    const dimse::SubOperations& counts = outcome.counts;
    CHECK(counts.remaining + counts.completed + counts.failed + counts.warning == total);
    CHECK(outcome.failed.size() == counts.failed);
}

} // namespace gantry::tests
