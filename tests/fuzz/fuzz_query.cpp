// What a peer asks and what an origin answers, as anybody may write them: an Identifier that passes
// holds what is promised of it, an answer is well-formed UTF-8 and has its level, and text that is
// written in a character set is read again.
#include "dimse/data_set.h"
#include "mapping/character_set.h"
#include "mapping/elements.h"
#include "mapping/identifier.h"
#include "mapping/key_filter.h"
#include "mapping/query_keys.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/oflog/oflog.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

using namespace gantry;
using namespace gantry::mapping;

namespace {

void must(bool holds)
{
    if (!holds)
        std::abort();
}

void find(std::string_view sop_class, const DcmDataset& data_set, const IdentifierRules& rules)
{
    const auto asked = check_find_identifier(sop_class, data_set, rules);
    if (!asked) {
        must(status_class(asked.error().code) == StatusClass::failure);
        must(asked.error().comment.size() <= 64);
        return;
    }
    must(has_level(asked->model, asked->level));
    KeyFilter filter(*asked, {.combined_date_time = rules.relational});
    DcmDataset match(data_set);
    const auto answer = filter.answer(match);
    if (!answer)
        return;
    must(text_of(*answer->identifier, key::query_retrieve_level) == level_name(asked->level));
    for (const char* set : {"", "ISO_IR 100", "\\ISO 2022 IR 87", "GB18030", "ISO_IR 192"}) {
        DcmDataset sent(*answer->identifier);
        const Encoded encoded = DataSetEncoder({set}).encode(sent);
        must(decode_text(sent, {}) == 0 || encoded.replaced > 0);
    }
}

void retrieve(std::string_view sop_class, const DcmDataset& data_set, const IdentifierRules& rules)
{
    const auto asked = check_retrieve_identifier(sop_class, data_set, rules);
    if (!asked)
        return;
    const bool named = asked->level == QueryLevel::patient  ? !asked->patient_ids.empty()
                       : asked->level == QueryLevel::study  ? !asked->studies.empty()
                       : asked->level == QueryLevel::series ? !asked->series.empty()
                                                            : !asked->instances.empty();
    must(named); // never everything
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    const Uid implicit_le = Uid::parse("1.2.840.10008.1.2").value_or(Uid{});
    const auto parsed = dimse::parse_data_set(std::as_bytes(std::span(data, size)), implicit_le);
    if (!parsed)
        return 0;
    if (decode_text(**parsed, size % 2 == 0 ? "ISO_IR 100" : "") > 0)
        return 0; // refused as it is
    for (const IdentifierRules& rules :
         {IdentifierRules{}, IdentifierRules{true, false, true}, IdentifierRules{false, true, false}
         }) {
        for (const char* sop_class : {"1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1"})
            find(sop_class, **parsed, rules);
        for (const char* sop_class : {"1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.2.3"})
            retrieve(sop_class, **parsed, rules);
    }
    return 0;
}
