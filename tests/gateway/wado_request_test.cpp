// In which syntaxes a WADO-RS request asks for instances.
#include "gateway/origins/wado_request.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

using namespace gantry;

TEST_CASE("the Accept headers to try, by what is wanted and what the archive is known to take")
{
    const std::string type = R"(multipart/related; type="application/dicom")";
    const std::string any = type + "; transfer-syntax=*";
    const auto named = [&](const char* syntax) { return type + "; transfer-syntax=" + syntax; };
    const auto list = [](std::initializer_list<const char*> texts) {
        std::vector<Uid> uids;
        for (const char* text : texts)
            uids.push_back(*Uid::parse(text));
        return uids;
    };
    const char* const jpeg = "1.2.840.10008.1.2.4.70";
    const char* const plain = "1.2.840.10008.1.2.1";
    const char* const implicit = "1.2.840.10008.1.2";
    OriginProfile::Retrieve no_any;
    no_any.any_transfer_syntax = false;
    OriginProfile::Retrieve plain_only;
    plain_only.transfer_syntaxes = list({plain});
    using Headers = std::vector<std::string>;

    struct Row {
        const char* says;
        std::optional<std::vector<Uid>> wanted;
        OriginProfile::Retrieve known;
        Headers headers;
    };

    const Row rows[] = {
        {"as stored", std::nullopt, {}, {any, type}},
        {"one", list({jpeg}), {}, {named(jpeg) + ";q=1.0, " + any + ";q=0.1", any, type}},
        {"implicit is asked for as explicit, once",
         list({implicit, plain}),
         {},
         {named(plain) + ";q=1.0, " + any + ";q=0.1", any, type}},
        {"no asterisk", list({jpeg}), no_any, {named(jpeg) + ";q=1.0", type}},
        {"as stored, no asterisk", std::nullopt, no_any, {type}},
        {"what it does not give",
         list({jpeg, plain}),
         plain_only,
         {named(plain) + ";q=1.0, " + any + ";q=0.1", any, type}},
        {"nothing that it gives", list({jpeg}), plain_only, {any, type}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        CHECK(accept_headers(row.wanted, row.known) == row.headers);
    }
}
