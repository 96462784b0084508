// SOP Class Extended Negotiation as requestor (PS3.4 C.5.1.1).
#include "dimse/requestor_rig.h"

#include <doctest/doctest.h>

using namespace gantry;
using namespace gantry::tests;

namespace {

using dimse::Errc;
using dimse::make_error_code;

constexpr const char* all_series = "0008,0052=SERIES | 0020,000d= | 0020,000e=";

} // namespace

TEST_CASE("a find tells what was granted of what it wanted")
{
    ScriptedPacs pacs({.grants = {.relational = true, .timezone = true}});
    pacs.add("STUDY", "0020,000d=1.2");
    RequestorRig rig;
    dimse::Requestor requestor = rig.to(pacs);
    auto inquiry = RequestorRig::inquiry();
    inquiry.wanted = {.relational = true, .fuzzy = true};
    FoundStudies found;
    const auto answer = rig.loop.run(requestor.find(std::move(inquiry), found));
    REQUIRE(answer.has_value());
    CHECK(answer->granted.relational);
    CHECK_FALSE(answer->granted.fuzzy);
    CHECK_FALSE(answer->granted.timezone); // nobody asked for it
    CHECK(found.uids.size() == 1);
}

TEST_CASE("an archive that lets upper keys be missing is asked without them")
{
    ScriptedPacs pacs({.grants = {.relational = true}});
    pacs.add("SERIES", "0020,000d=1.2 | 0020,000e=1.2.3");
    RequestorRig rig;
    dimse::Requestor requestor = rig.to(pacs);
    FoundStudies found;
    auto plain = RequestorRig::inquiry(all_series);
    CHECK(rig.loop.run(requestor.find(std::move(plain), found))->status.code == 0xa900);
    auto relational = RequestorRig::inquiry(all_series);
    relational.required.relational = true;
    CHECK(rig.loop.run(requestor.find(std::move(relational), found))->status.code == 0);
    CHECK(found.uids == std::vector<std::string>{"1.2"});
}

TEST_CASE("where what is required is not granted nothing is asked")
{
    const dimse::QueryOptions required[] = {
        {.relational = true}, {.combined_date_time = true}, {.fuzzy = true}, {.timezone = true}
    };
    for (const auto& options : required) {
        ScriptedPacs pacs;
        pacs.add("STUDY", "0020,000d=1.2");
        RequestorRig rig;
        dimse::Requestor requestor = rig.to(pacs);
        auto inquiry = RequestorRig::inquiry();
        inquiry.required = options;
        FoundStudies found;
        const auto answer = rig.loop.run(requestor.find(std::move(inquiry), found));
        REQUIRE(answer.has_error());
        CHECK(answer.error().code == make_error_code(Errc::not_granted));
        CHECK(pacs.asked().empty());
        CHECK(pacs.wait_open(0));
    }
}

TEST_CASE("relational retrieval is offered where a retrieve leaves out a key above")
{
    ScriptedPacs pacs({.grants = {.relational = true}});
    pacs.hold(pacs_instance("1.2", "1.2.3", "1.2.3.4"));
    RequestorRig rig;
    dimse::Requestor requestor = rig.to(pacs);
    const auto get = [&](const char* lines) {
        dimse::RetrieveInquiry asked{uid(study_get), keys(lines)};
        auto take = [&](const dimse::StoreRequest& request) {
            return rig.arrivals.begin_store({}, request);
        };
        return rig.loop.run(requestor.get(std::move(asked), storage(), std::move(take), {}));
    };
    REQUIRE(get("0008,0052=IMAGE | 0008,0018=1.2.3.4").has_value());
    REQUIRE(get("0008,0052=IMAGE | 0008,0018=1.2.3.4 | 0020,000d=1.2 | 0020,000e=1.2.3").has_value()
    );
    const auto asked = pacs.asked();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].granted.relational);
    CHECK_FALSE(asked[1].granted.relational);
    CHECK(rig.arrivals.stored().size() == 2);
}

TEST_CASE("an archive that ignores C-CANCEL of a find is aborted soon")
{
    ScriptedPacs pacs({.instead = [](ScriptedPeer& peer, const PacsRequest& request) {
        const ByteVector response = command_pdu(command_set(
            {{0x0100, us(0x8020)},
             {0x0120, us(request.message_id)},
             {0x0800, us(0)},
             {0x0900, us(0xff00)}}
        ));
        const ByteVector match = data_pdu(data_set({{0x0020000d, "1.2", "UI"}}));
        while (peer.send(response) && peer.send(match)) {
        }
        return true;
    }});
    RequestorRig rig;
    rig.options.timeouts.cancel = std::chrono::milliseconds(100);
    dimse::Requestor requestor = rig.to(pacs);
    FoundStudies found;
    found.most = 3;
    const auto answer = rig.find(requestor, found);
    REQUIRE(answer.has_error());
    CHECK(answer.error().code == make_error_code(Errc::timeout));
    CHECK(found.uids.size() == 3);
}
