#include "dimse/store_intake.h"

#include "mapping/vocabulary/sop_class.h"

#include <optional>
#include <utility>

namespace gantry::dimse {

namespace {

/// What is wrong with it; nothing: `request` says what it is.
std::optional<DimseStatus>
objection_to(const CommandSet& set, const StoreContext& context, StoreRequest& request)
{
    const auto sop_class = Uid::parse(set.text(element::affected_sop_class));
    const auto sop_instance = Uid::parse(set.text(element::affected_sop_instance));
    if (!set.has_data_set() || !sop_class)
        return DimseStatus{status::mistyped_argument, {}};
    if (!sop_instance)
        return DimseStatus{status::invalid_sop_instance, {}};
    if (*sop_class != context.abstract_syntax || service_of(sop_class->str()) != Service::storage)
        return DimseStatus{status::sop_class_not_supported, "not the class of its context"};
    request.sop = {*sop_class, *sop_instance};
    request.transfer_syntax = context.transfer_syntax;
    request.message_id = set.us(element::message_id).value_or(0);
    request.move_originator = AeTitle::parse(set.text(element::move_originator));
    request.move_originator_message_id = set.us(element::move_originator_message_id).value_or(0);
    return std::nullopt;
}

Interruption receive(MessageReader& reader, std::uint8_t context, IncomingInstance& instance)
{
    bool wanted = true;
    for (;;) {
        ConstBytes fragment;
        if (const Interruption met = reader.read_data(context, fragment); met != Interruption::none)
            return met;
        if (fragment.empty())
            return Interruption::none;
        wanted = wanted && instance.write(fragment).has_value();
    }
}

} // namespace

StoreIntake take_store(
    MessageReader& reader,
    const CommandMessage& message,
    const StoreContext& context,
    const BeginStore& begin
)
{
    StoreRequest request;
    if (auto refusal = objection_to(message.set, context, request))
        return refuse_store(reader, message, std::move(*refusal));
    auto begun = begin(request);
    if (auto* refusal = std::get_if<DimseStatus>(&begun))
        return refuse_store(reader, message, std::move(*refusal));
    const auto& instance = std::get<std::unique_ptr<IncomingInstance>>(begun);
    if (const Interruption met = receive(reader, message.context, *instance);
        met != Interruption::none)
        return {.met = met, .status = {}}; // dropped, unfinished
    return {.status = instance->finish(), .taken = true};
}

StoreIntake refuse_store(MessageReader& reader, const CommandMessage& message, DimseStatus refusal)
{
    StoreIntake intake{.status = std::move(refusal)};
    if (message.set.has_data_set())
        intake.met = reader.skip_data(message.context);
    return intake;
}

} // namespace gantry::dimse
