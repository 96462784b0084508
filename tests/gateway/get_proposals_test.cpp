#include "gateway/origins/get_proposals.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

using namespace gantry;

namespace {

const char* const ct = "1.2.840.10008.5.1.4.1.1.2";
const char* const implicit_le = "1.2.840.10008.1.2";
const char* const explicit_le = "1.2.840.10008.1.2.1";
const char* const jpeg_lossless = "1.2.840.10008.1.2.4.70";
const char* const mpeg_4 = "1.2.840.10008.1.2.4.102";

Uid uid(const std::string& text)
{
    return text.empty() ? Uid{} : Uid::parse(text).value();
}

InstanceKey key(const std::string& sop_class, const std::string& syntax = {})
{
    return {uid("1.2.3"), uid("1.2.3.1"), {uid(sop_class), uid("1.2.3.1.1")}, uid(syntax)};
}

using Batches = std::vector<std::vector<dimse::ProposedContext>>;

std::vector<std::string> syntaxes(const std::vector<dimse::ProposedContext>& contexts)
{
    std::vector<std::string> out;
    for (const auto& context : contexts) {
        REQUIRE(context.transfer_syntaxes.size() == 1); // so that the choice cannot be another
        out.push_back(context.transfer_syntaxes.front().str());
    }
    return out;
}

bool has(const std::vector<std::string>& all, const char* one)
{
    return std::ranges::find(all, one) != all.end();
}

} // namespace

TEST_CASE("we are proposed as the SCP of what a C-GET brings (PS3.7 D.3.3.4)")
{
    const InstanceKey one = key(ct, jpeg_lossless);
    const Batches batches = get_proposals(std::vector<WantedInstance>{{&one}});
    REQUIRE(batches.size() == 1);
    CHECK(
        syntaxes(batches[0]) == std::vector<std::string>{jpeg_lossless, explicit_le, implicit_le}
    );
    for (const auto& context : batches[0]) {
        CHECK(context.abstract_syntax.str() == ct);
        CHECK(context.scp_role);
        CHECK_FALSE(context.scu_role);
    }
    CHECK(batches[0][2].id == 5);
}

TEST_CASE("where it is not known how an instance is stored the usual syntaxes are proposed")
{
    const InstanceKey one = key(ct);
    const Batches batches = get_proposals(std::vector<WantedInstance>{{&one}});
    REQUIRE(batches.size() == 1);
    const auto all = syntaxes(batches[0]);
    for (const char* syntax : {jpeg_lossless, mpeg_4, explicit_le, implicit_le})
        CHECK(has(all, syntax));
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
}

TEST_CASE("what cannot be brought into what is wanted is not proposed")
{
    const InstanceKey one = key(ct);
    const std::vector<Uid> wanted{uid(explicit_le)};
    const Batches batches = get_proposals(std::vector<WantedInstance>{{&one, &wanted}});
    REQUIRE(batches.size() == 1);
    const auto all = syntaxes(batches[0]);
    CHECK(has(all, explicit_le));
    CHECK(has(all, implicit_le));
    CHECK(has(all, jpeg_lossless)); // is decoded here
    CHECK_FALSE(has(all, mpeg_4));
}

TEST_CASE("many classes take several associations of at most 127 contexts each")
{
    std::vector<InstanceKey> keys;
    for (int i = 1; i <= 30; ++i)
        keys.push_back(key("1.2.840.10008.5.1.4.1.1.9." + std::to_string(i)));
    std::vector<WantedInstance> wanted;
    for (const InstanceKey& one : keys)
        wanted.push_back({&one});
    const Batches batches = get_proposals(wanted);
    CHECK(batches.size() > 1);
    for (const InstanceKey& one : keys) {
        const auto proposes = [&](const auto& batch) { return proposed(batch, one.sop.sop_class); };
        CHECK(std::ranges::count_if(batches, proposes) == 1);
    }
    for (const auto& batch : batches) {
        CHECK(batch.size() <= 127);
        CHECK(batch.back().id == 2 * batch.size() - 1);
    }
}

TEST_CASE("for a class that is not known the usual ones are proposed with the known ones first")
{
    const InstanceKey unknown = key({});
    const InstanceKey known = key("1.2.3.4.5", explicit_le);
    const Batches batches = get_proposals(std::vector<WantedInstance>{{&unknown}, {&known}});
    CHECK(batches.size() > 1);
    CHECK(proposed(batches.front(), uid("1.2.3.4.5")));
    CHECK(proposed(batches.front(), uid(ct)));
    for (const auto& batch : batches)
        CHECK(proposed(batch, {}));
}

TEST_CASE("native syntaxes stand first when it is tried once more")
{
    const InstanceKey one = key(ct, jpeg_lossless);
    auto contexts = get_proposals(std::vector<WantedInstance>{{&one}}).front();
    native_first(contexts);
    CHECK(syntaxes(contexts) == std::vector<std::string>{explicit_le, implicit_le, jpeg_lossless});
    CHECK(contexts[0].id == 1);
    CHECK(contexts[2].id == 5);
}
