#include "gateway/error.h"
#include "gateway/faces/dimse_find.h"
#include "support/run.h"
#include "support/scripted_archive.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace gantry;
using tests::data_set;
using tests::lines_of;
using tests::ScriptedArchive;

namespace {

const char* const patient_root = "1.2.840.10008.5.1.4.1.2.1.1";
const char* const study_root = "1.2.840.10008.5.1.4.1.2.2.1";

class Peer final : public dimse::MatchSink {
public:
    std::vector<std::string> answers; // behind "FF01 " where a key was not supported
    std::size_t leaves_after = 1'000'000;

    asio::awaitable<Result<void>>
    push(std::unique_ptr<DcmDataset> match, bool all_keys_supported) override
    {
        if (answers.size() == leaves_after)
            co_return error(Errc::closed);
        answers.push_back((all_keys_supported ? "" : "FF01 ") + lines_of(*match));
        co_return Result<void>{};
    }
};

/// A workstation that asks WS1's questions, and the archive behind gantry.
struct Room {
    ScriptedArchive archive{"cloud"};
    Peer peer;
    faces::FindServiceOptions options;
    dimse::QueryOptions granted;

    Room() { options.retrieve_ae_title = *AeTitle::parse("GANTRY"); }

    DimseStatus ask(const std::string& identifier, const char* sop_class = study_root)
    {
        const faces::FindService service(options, archive);
        dimse::AssociationInfo from;
        from.calling = *AeTitle::parse("WS1");
        dimse::FindRequest request;
        request.sop_class = *Uid::parse(sop_class);
        request.identifier = data_set(identifier);
        request.granted = granted;
        return tests::run(service.find(from, request, peer));
    }

    std::string asked() const
    {
        DcmDataset keys(*archive.found.back().keys);
        return lines_of(keys);
    }
};

} // namespace

TEST_CASE("a match is answered with what was asked for and whom to retrieve it from")
{
    Room room;
    room.archive.matches = {
        "0008,1190=http://cloud/studies/1.2 | 0010,0010=DOE^JOHN | 0010,0020=P1 | 0020,000d=1.2",
        "0010,0010=MILLER | 0020,000d=1.3"
    };
    const auto status = room.ask("0008,0052=STUDY | 0010,0010=DOE* | 0008,1030=");
    CHECK(status == DimseStatus{status::success, {}});
    CHECK(
        room.peer.answers ==
        std::vector<std::string>{"0008,0052=STUDY | 0008,0054=GANTRY | 0008,1030= | "
                                 "0010,0010=DOE^JOHN | 0020,000d=1.2"}
    );
    CHECK(room.asked() == "0008,0005=ISO_IR 192 | 0008,1030= | 0010,0010=DOE* | 0020,000d=");
    CHECK(room.archive.found[0].level == QueryLevel::study);
    CHECK_FALSE(room.archive.found[0].relational);
}

TEST_CASE("no match is Success without a match")
{
    Room room;
    CHECK(room.ask("0008,0052=STUDY").code == status::success);
    CHECK(room.peer.answers.empty());
}

TEST_CASE("an incomplete answer never ends with Success (PS3.4 table C.4-1)")
{
    struct Row {
        Shortfall shortfall;
        std::uint16_t code;
        const char* comment;
    };

    const Row rows[] = {
        {Shortfall::limit, 0xa700, "Result limit reached"},
        {Shortfall::unavailable, 0xa700, "No answer from cloud"},
        {Shortfall::question, 0xa900, "cloud does not understand the query"},
        {Shortfall::unauthorised, 0xc001, "Not authorised at cloud"},
        {Shortfall::failed, 0xc002, "No valid answer from cloud"},
        {Shortfall::none, 0xc002, "No valid answer from cloud"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.comment);
        Room room;
        room.archive.matches = {"0020,000d=1.2"};
        room.archive.end = {false, row.shortfall, "upstream"};
        const auto status = room.ask("0008,0052=STUDY");
        CHECK(status.code == row.code);
        CHECK(status.comment == row.comment);
        CHECK(room.peer.answers.size() == 1); // what is known is told all the same
    }
    const std::string long_name(100, 'x');
    ScriptedArchive named(long_name);
    named.end = {false, Shortfall::question, ""};
    const faces::FindService service({}, named);
    dimse::FindRequest request;
    request.sop_class = *Uid::parse(study_root);
    request.identifier = data_set("0008,0052=STUDY");
    Peer peer;
    CHECK(tests::run(service.find({}, request, peer)).comment.size() == 64);
}

TEST_CASE("an Identifier that does not fit is refused before anybody is asked")
{
    Room room;
    const auto status = room.ask("0008,0052=SERIES");
    CHECK(status.code == status::data_set_mismatch);
    CHECK(status.offending == tag::study_instance_uid);
    CHECK(room.archive.found.empty());

    room.options.lenient = true;
    CHECK(room.ask("0008,0052=SERIES").code == status::success);
    REQUIRE(room.archive.found.size() == 1);
    CHECK(room.archive.found[0].relational);

    CHECK(room.ask("0008,0052=STUDY", "1.2.840.10008.5.1.4.31").code == 0x0122);
}

TEST_CASE("what was negotiated reaches the origin")
{
    Room room;
    room.granted = {true, true, true, true};
    CHECK(room.ask("0008,0052=IMAGE | 0008,0201=+0100").code == status::success);
    const FindQuestion& question = room.archive.found.at(0);
    CHECK(question.relational);
    CHECK(question.combined_date_time);
    CHECK(question.fuzzy);
    CHECK(question.timezone);
    CHECK(
        room.asked() ==
        "0008,0005=ISO_IR 192 | 0008,0018= | 0008,0201=+0100 | 0020,000d= | 0020,000e="
    );
}

TEST_CASE("a match without its unique key is no answer, and the end is a failure")
{
    Room room;
    room.archive.matches = {"0010,0010=DOE"};
    CHECK(room.ask("0008,0052=STUDY").code == 0xc002);
    CHECK(room.peer.answers.empty());
}

TEST_CASE("a peer that has left ends the search")
{
    Room room;
    room.archive.matches = {"0020,000d=1.2", "0020,000d=1.3", "0020,000d=1.4"};
    room.peer.leaves_after = 1;
    CHECK(room.ask("0008,0052=STUDY").code != status::success);
    CHECK(room.archive.taken == 1);
}

TEST_CASE("an answer is in the character set of the question where it fits")
{
    struct Row {
        const char* says;
        const char* identifier;
        const char* configured;
        const char* match;
        const char* answer;
    };

    const Row rows[] = {
        {"the question's",
         "0008,0005=ISO_IR 100 | 0008,0052=STUDY | 0010,0010=M\xfcl*",
         "",
         "0008,0005=ISO_IR 192 | 0010,0010=Müller | 0020,000d=1.2",
         "0008,0005=ISO_IR 100 | 0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=M\xfcller | "
         "0020,000d=1.2"},
        {"Japanese by code extensions, asked in them",
         "0008,0005=\\ISO 2022 IR 87 | 0008,0052=STUDY | 0010,0010=\x1b$B;3ED\x1b(B*",
         "",
         "0010,0010=Yamada^Tarou=山田^太郎 | 0020,000d=1.2",
         "0008,0005=\\ISO 2022 IR 87 | 0008,0052=STUDY | 0008,0054=GANTRY | "
         "0010,0010=Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B | 0020,000d=1.2"},
        {"UTF-8 where the peer is known to read it",
         "0008,0052=STUDY | 0010,0010=",
         "ISO_IR 192",
         "0010,0010=山田 | 0020,000d=1.2",
         "0008,0005=ISO_IR 192 | 0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=山田 | "
         "0020,000d=1.2"},
        {"marked where it does not fit",
         "0008,0005=ISO_IR 100 | 0008,0052=STUDY | 0010,0010=",
         "",
         "0010,0010=山田 | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=?\?"
         " | 0020,000d=1.2"},
        {"undeclared text by the peer's own set",
         "0008,0052=STUDY | 0010,0010=M\xfcl*",
         "ISO_IR 100",
         "0010,0010=Müller | 0020,000d=1.2",
         "0008,0005=ISO_IR 100 | 0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=M\xfcller | "
         "0020,000d=1.2"},
        {"Korean text, undeclared, by the peer's own set",
         "0008,0052=STUDY | 0010,0010=*=\x1b$)C\xfb\xf3*",
         "ISO 2022 IR 149",
         "0010,0010=Hong=洪 | 0020,000d=1.2",
         "0008,0005=\\ISO 2022 IR 149 | 0008,0052=STUDY | 0008,0054=GANTRY | "
         "0010,0010=Hong=\x1b$)C\xfb\xf3 | 0020,000d=1.2"},
        {"Latin-1 where nobody has said what the peer reads",
         "0008,0052=STUDY | 0010,0010=",
         "",
         "0010,0010=Müller | 0020,000d=1.2",
         "0008,0005=ISO_IR 100 | 0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=M\xfcller | "
         "0020,000d=1.2"},
        {"else UTF-8 where nobody has said it",
         "0008,0052=STUDY | 0010,0010=",
         "",
         "0010,0010=Yamada=山田 | 0020,000d=1.2",
         "0008,0005=ISO_IR 192 | 0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=Yamada=山田 | "
         "0020,000d=1.2"},
        {"ASCII where the peer must get nothing else",
         "0008,0052=STUDY | 0010,0010=",
         "ISO_IR 6",
         "0010,0010=Müller | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=M?ller | 0020,000d=1.2"},
        {"plain text names no set",
         "0008,0005=ISO_IR 100 | 0008,0052=STUDY | 0010,0010=",
         "",
         "0008,0005=ISO_IR 192 | 0010,0010=Miller | 0020,000d=1.2",
         "0008,0052=STUDY | 0008,0054=GANTRY | 0010,0010=Miller | 0020,000d=1.2"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.says);
        Room room;
        room.options.character_sets[*AeTitle::parse("WS1")] = row.configured;
        room.archive.matches = {row.match};
        CHECK(room.ask(row.identifier).code == status::success);
        REQUIRE(room.peer.answers.size() == 1);
        CHECK(room.peer.answers[0] == row.answer);
    }
}

TEST_CASE("text that is in no known character set is refused rather than found nowhere")
{
    Room room;
    const auto status = room.ask("0008,0052=STUDY | 0010,0010=M\xfcl*");
    CHECK(status.code == status::cannot_understand);
    CHECK(status.offending == tag::specific_character_set);
    CHECK(room.archive.found.empty());
}

TEST_CASE("patients are made of their studies (PS3.4 C.6.1.1.2)")
{
    Room room;
    room.archive.matches = {
        "0008,0020=20200101 | 0010,0010=DOE^JANE | 0010,0020=P1 | 0020,000d=1.1 | 0020,1206=2 | "
        "0020,1208=20",
        "0008,0020=20230101 | 0010,0010=DOE-SMITH^JANE | 0010,0020=P1 | 0020,000d=1.2 | "
        "0020,1206=3 | 0020,1208=30",
        "0008,0020=20210101 | 0010,0010=DOE^JOHN | 0010,0020=P2 | 0020,000d=1.3 | 0020,1206=1"
    };
    const auto status = room.ask(
        "0008,0052=PATIENT | 0010,0010=DOE* | 0020,1200= | 0020,1202= | 0020,1204=", patient_root
    );
    CHECK(status.code == status::success);
    CHECK(
        room.peer.answers ==
        std::vector<std::string>{
            "0008,0052=PATIENT | 0008,0054=GANTRY | 0010,0010=DOE-SMITH^JANE | 0010,0020=P1 | "
            "0020,1200=2 | 0020,1202=5 | 0020,1204=50",
            "0008,0052=PATIENT | 0008,0054=GANTRY | 0010,0010=DOE^JOHN | 0010,0020=P2 | "
            "0020,1200=1 | 0020,1202=1 | 0020,1204="
        }
    );
    const FindQuestion& question = room.archive.found.at(0);
    CHECK(question.level == QueryLevel::study);
    CHECK(question.model == QueryModel::study_root);
    CHECK(
        room.asked() == "0008,0005=ISO_IR 192 | 0008,0020= | 0008,0030= | 0010,0010=DOE* | "
                        "0010,0020= | 0010,0021= | 0010,0030= | 0010,0040= | 0020,000d= | "
                        "0020,1206= | 0020,1208="
    );
}

TEST_CASE("patients are told apart by ID and issuer, and without an ID by all that is known")
{
    Room room;
    room.archive.matches = {
        "0010,0010=A | 0010,0020=P1 | 0010,0021=HOSPITAL1 | 0020,000d=1.1",
        "0010,0010=A | 0010,0020=P1 | 0010,0021=HOSPITAL2 | 0020,000d=1.2",
        "0010,0010=B | 0010,0020= | 0010,0030=19700101 | 0020,000d=1.3",
        "0010,0010=B | 0010,0020= | 0010,0030=19800101 | 0020,000d=1.4",
        "0010,0010=B | 0010,0020= | 0010,0030=19800101 | 0020,000d=1.5",
    };
    CHECK(room.ask("0008,0052=PATIENT", patient_root).code == status::success);
    CHECK(room.peer.answers.size() == 4);
}

TEST_CASE("more patients than can be held are an answer that is cut off, without counts")
{
    Room room;
    room.options.max_patients = 2;
    room.archive.matches = {
        "0010,0020=P1 | 0020,000d=1.1",
        "0010,0020=P2 | 0020,000d=1.2",
        "0010,0020=P3 | 0020,000d=1.3",
        "0010,0020=P1 | 0020,000d=1.4",
    };
    const auto status = room.ask("0008,0052=PATIENT | 0020,1200=", patient_root);
    CHECK(status == DimseStatus{status::out_of_resources, "Result limit reached"});
    CHECK(
        room.peer.answers ==
        std::vector<std::string>{
            "0008,0052=PATIENT | 0008,0054=GANTRY | 0010,0020=P1 | 0020,1200=",
            "0008,0052=PATIENT | 0008,0054=GANTRY | 0010,0020=P2 | 0020,1200="
        }
    );
}
