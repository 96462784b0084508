#include "mapping/status.h"

#include <doctest/doctest.h>

#include <string>

using namespace gantry;
using mapping::StoreFailure;

TEST_CASE("a C-STORE that fails has the status of its reason (PS3.4 B.2.3)")
{
    struct Row {
        const char* says;
        StoreFailure failure;
        std::uint16_t code;
    };

    const Row rows[] = {
        {"the disk is full", StoreFailure::spool_full, 0xa700},
        {"the queue is full", StoreFailure::queue_full, 0xa700},
        {"the disk fails", StoreFailure::storage_failed, 0xa700},
        {"the index cannot be written", StoreFailure::index_unavailable, 0xa700},
        {"the peer may not store", StoreFailure::not_permitted, 0x0124},
        {"a retrieve that has ended", StoreFailure::not_awaited, 0xa700},
        {"what was not asked for", StoreFailure::not_asked_for, 0xa900},
        {"another class", StoreFailure::class_mismatch, 0xa900},
        {"another instance", StoreFailure::instance_mismatch, 0xa900},
        {"no study", StoreFailure::study_missing, 0xa900},
        {"no series", StoreFailure::series_missing, 0xa900},
        {"no SOP UIDs", StoreFailure::sop_missing, 0xa900},
        {"broken structure", StoreFailure::structure_broken, 0xc000},
        {"a SOP Instance UID that is none", StoreFailure::invalid_sop_instance, 0x0117},
        {"not a storage class", StoreFailure::sop_class_not_supported, 0x0122},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const DimseStatus answer = mapping::store_status(row.failure);
        CHECK(answer.code == row.code);
        CHECK(status_class(answer.code) == StatusClass::failure);
        CHECK_FALSE(answer.comment.empty());
        CHECK(answer.comment.size() <= 64); // Error Comment is LO
    }
}

TEST_CASE("a C-FIND that is not complete has the status of its reason (PS3.4 table C.4-1)")
{
    using mapping::FindFailure;

    struct Row {
        const char* says;
        FindFailure failure;
        std::uint16_t code;
        const char* comment;
    };

    const Row rows[] = {
        {"cut off", FindFailure::limit, 0xa700, "Result limit reached"},
        {"down, or later", FindFailure::unavailable, 0xa700, "No answer from vna"},
        {"not understood", FindFailure::question, 0xa900, "vna does not understand the query"},
        {"locked out", FindFailure::unauthorised, 0xc001, "Not authorised at vna"},
        {"nonsense", FindFailure::failed, 0xc002, "No valid answer from vna"},
        {"unreadable text",
         FindFailure::character_set,
         0xc000,
         "Text is not in the character set that is named"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        const DimseStatus answer = mapping::find_status(row.failure, "vna");
        CHECK(answer.code == row.code);
        CHECK(status_class(answer.code) == StatusClass::failure);
        CHECK(answer.comment == row.comment);
        CHECK(mapping::find_status(row.failure, std::string(99, 'x')).comment.size() <= 64);
    }
}
