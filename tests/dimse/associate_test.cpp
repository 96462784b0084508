#include "dimse/associate.h"
#include "support/dicom_bytes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

using namespace gantry;
using namespace gantry::dimse;
using gantry::tests::associate_request;
using gantry::tests::ByteVector;

namespace {

std::variant<AssociateRequest, pdu::AbortReason> parse(const ByteVector& pdu)
{
    return parse_associate_request(ConstBytes(pdu).subspan(pdu::head_size));
}

Uid uid(std::string_view text)
{
    return *Uid::parse(text);
}

} // namespace

TEST_CASE("an A-ASSOCIATE-RQ is read with all that negotiation needs (PS3.8 9.3.2)")
{
    tests::RequestBytes bytes;
    bytes.max_pdu = 0;
    bytes.proposals = {
        {1, tests::ct_image, {tests::explicit_le, tests::implicit_le}},
        {255, tests::mr_image, {"1.2.840.10008.1.2.4.70"}}
    };
    bytes.extra_user_items = tests::role_item(tests::mr_image, 0, 1);
    const auto parsed = parse(associate_request(bytes));
    REQUIRE(std::holds_alternative<AssociateRequest>(parsed));
    const auto& request = std::get<AssociateRequest>(parsed);
    CHECK(request.calling.str() == "MODALITY");
    CHECK(request.called.str() == "GANTRY");
    CHECK(request.dicom_application_context);
    CHECK(request.user.max_pdu == 0);
    CHECK(request.user.implementation_version == "TEST_1");
    REQUIRE(request.contexts.size() == 2);
    CHECK(request.contexts[0].abstract_syntax == uid(tests::ct_image));
    CHECK(
        request.contexts[0].transfer_syntaxes ==
        std::vector{uid(tests::explicit_le), uid(tests::implicit_le)}
    );
    CHECK(request.contexts[0].scu_role);
    CHECK_FALSE(request.contexts[0].scp_role);
    CHECK(request.contexts[1].id == 255);
    CHECK_FALSE(request.contexts[1].scu_role);
    CHECK(request.contexts[1].scp_role);
}

TEST_CASE(
    "an A-ASSOCIATE-RQ that does not hold together is refused with a reason and never read past"
)
{
    struct Row {
        const char* says;
        std::function<void(tests::RequestBytes&)> propose; // wrong content
        std::function<void(ByteVector&)> damage;           // wrong bytes
    };

    const Row rows[] = {
        {"even context id", [](auto& r) { r.proposals[0].id = 2; }, {}},
        {"context id 0", [](auto& r) { r.proposals[0].id = 0; }, {}},
        {"context id twice", [](auto& r) { r.proposals.push_back(r.proposals[0]); }, {}},
        {"no context", [](auto& r) { r.proposals.clear(); }, {}},
        {"a PDU size that holds nothing", [](auto& r) { r.max_pdu = 7; }, {}},
        {"item longer than the PDU", {}, [](auto& b) { b[76] = std::byte{0xff}; }},
        {"sub-item longer than its item", {}, [](auto& b) { b[109] = std::byte{0xff}; }},
        {"cut in the middle", {}, [](auto& b) { b.resize(b.size() - 5); }},
        {"nothing but the fixed part", {}, [](auto& b) { b.resize(74); }},
        {"not even that", {}, [](auto& b) { b.resize(40); }},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        tests::RequestBytes request;
        if (row.propose)
            row.propose(request);
        ByteVector bytes = associate_request(request);
        if (row.damage)
            row.damage(bytes);
        const auto parsed = parse(bytes);
        REQUIRE(std::holds_alternative<pdu::AbortReason>(parsed));
        CHECK(std::get<pdu::AbortReason>(parsed) == pdu::AbortReason::invalid_parameter_value);
    }
}

TEST_CASE("items that the standard may bring one day are passed over (PS3.8 9.3.1)")
{
    tests::RequestBytes request;
    request.extra_user_items = tests::hex("7f 00 0003 010203  53 00 0004 00010001");
    CHECK(std::holds_alternative<AssociateRequest>(parse(associate_request(request))));
}

TEST_CASE("syntaxes that are no UIDs stay unknown and do not spoil the rest")
{
    tests::RequestBytes bytes;
    bytes.proposals = {
        {1, "not a uid", {tests::explicit_le}}, {3, tests::ct_image, {"x", tests::implicit_le}}
    };
    const auto parsed = parse(associate_request(bytes));
    REQUIRE(std::holds_alternative<AssociateRequest>(parsed));
    const auto& contexts = std::get<AssociateRequest>(parsed).contexts;
    CHECK(contexts[0].abstract_syntax.empty());
    CHECK(contexts[1].transfer_syntaxes == std::vector{uid(tests::implicit_le)});
}

TEST_CASE("what we write as a request and as an accept we read back the same")
{
    AssociateRequest request;
    request.calling = *AeTitle::parse("GANTRY");
    request.called = *AeTitle::parse("ARCHIVE");
    ProposedContext context;
    context.id = 1;
    context.abstract_syntax = uid(tests::ct_image);
    context.transfer_syntaxes = {uid(tests::explicit_le)};
    request.contexts = {context};
    request.user.max_pdu = 131'072;
    request.user.roles = {{uid(tests::ct_image), false, true}};
    const auto read = parse(write_associate_request(request));
    REQUIRE(std::holds_alternative<AssociateRequest>(read));
    const auto& again = std::get<AssociateRequest>(read);
    CHECK(again.calling == request.calling);
    CHECK(again.called == request.called);
    CHECK(again.contexts[0].scp_role);
    CHECK(again.contexts[0].transfer_syntaxes == context.transfer_syntaxes);

    AssociateAccept accept;
    accept.contexts = {
        {1, ContextAnswer::Reason::accepted, uid(tests::explicit_le)},
        {3, ContextAnswer::Reason::abstract_syntax_not_supported, Uid{}}
    };
    accept.user.max_pdu = 16'384;
    const auto bytes = write_associate_accept(accept);
    const auto answer = parse_associate_accept(ConstBytes(bytes).subspan(pdu::head_size));
    REQUIRE(std::holds_alternative<AssociateAccept>(answer));
    const auto& contexts = std::get<AssociateAccept>(answer).contexts;
    REQUIRE(contexts.size() == 2);
    CHECK(contexts[0].transfer_syntax == uid(tests::explicit_le));
    CHECK(contexts[1].transfer_syntax.empty());
    CHECK(contexts[1].reason == ContextAnswer::Reason::abstract_syntax_not_supported);
}

TEST_CASE("a rejection says in words what its numbers mean (PS3.8 table 9-21)")
{
    CHECK(
        pdu::Rejection{1, 1, 7}.text() ==
        "rejected permanent, called AE title not recognised (1/1/7)"
    );
    CHECK(pdu::Rejection{2, 3, 2}.text() == "rejected transient, local limit exceeded (2/3/2)");
    CHECK(
        pdu::Rejection{9, 9, 9}.text() ==
        "rejected with unknown result, reason unknown to the standard (9/9/9)"
    );
}
