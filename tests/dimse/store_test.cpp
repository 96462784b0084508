#include "mapping/file_meta.h"
#include "support/dimse_association.h"
#include "support/fast_store_scu.h"
#include "support/samples.h"
#include "support/skip.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::tests;

namespace {

ByteVector slurp(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
    ByteVector bytes(chars.size());
    std::transform(chars.begin(), chars.end(), bytes.begin(), [](char c) {
        return static_cast<std::byte>(c);
    });
    return bytes;
}

/// Everything there is of one data set, in PDVs of `fragment` bytes, several to a PDU.
ByteVector in_pdvs(ConstBytes data_set, std::size_t fragment, std::size_t pdvs_in_pdu)
{
    ByteVector out;
    while (!data_set.empty()) {
        ByteVector content;
        for (std::size_t i = 0; i < pdvs_in_pdu && !data_set.empty(); ++i) {
            const ConstBytes part = data_set.first(std::min(fragment, data_set.size()));
            data_set = data_set.subspan(part.size());
            const ByteVector pdu = p_data(1, data_set.empty() ? 2 : 0, part);
            content.insert(content.end(), pdu.begin() + 6, pdu.end());
        }
        ByteVector head = hex("0400 00000000");
        for (unsigned i = 0; i < 4; ++i)
            head[2 + i] = static_cast<std::byte>(content.size() >> (24U - 8U * i));
        out.insert(out.end(), head.begin(), head.end());
        out.insert(out.end(), content.begin(), content.end());
    }
    return out;
}

} // namespace

TEST_CASE("a C-STORE arrives byte for byte and is answered with its own UIDs (PS3.7 9.3.1)")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    const ByteVector data_set = ct_data_set("1.2.3.4", 300'000);
    StoreCommand request;
    request.message_id = 77;
    peer.send(command_pdu(store_command(request)));
    peer.send(in_pdvs(data_set, 16'000, 1));
    const ByteVector response = peer.receive_pdu();
    CHECK(status_of(response) == 0);
    CHECK(command_text(response, 0x0002) == std::string(ct_image) + '\0');
    CHECK(command_text(response, 0x0100) == std::string("\x01\x80", 2));
    CHECK(command_text(response, 0x0120) == std::string("\x4d\x00", 2));
    CHECK(command_text(response, 0x1000) == std::string("1.2.3.4\0", 8));
    const auto stored = provider.stored();
    REQUIRE(stored.size() == 1);
    CHECK(stored[0].data_set == data_set);
    CHECK(stored[0].request.sop.sop_instance.str() == "1.2.3.4");
    CHECK(stored[0].request.transfer_syntax.str() == explicit_le);
    CHECK(stored[0].request.message_id == 77);
}

TEST_CASE("every sample in every syntax arrives byte for byte")
{
    const auto folder = samples_folder();
    if (!folder)
        return skip("no sample files");
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    std::set<std::string> syntaxes;
    std::size_t sent = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
        if (entry.path().extension() != ".dcm")
            continue;
        const ByteVector file = slurp(entry.path());
        const auto head = mapping::read_file_head(file, true);
        if (!head)
            continue;
        const auto start = file.begin() + static_cast<std::ptrdiff_t>(head->data_set_offset);
        ByteVector data_set(start, file.end());
        if (data_set.size() % 2 != 0)
            continue; // cannot be sent at all
        CAPTURE(entry.path().filename().string());
        const FastStoreScu::Template instance{
            ct_image, "1.2.3.4", head->head.transfer_syntax.str(), data_set
        };
        FastStoreScu scu({.port = acceptor.port()}, instance, sent % 2 == 0 ? 131'072 : 16'384);
        CHECK(scu.store("1.2.3.4") == 0);
        scu.release();
        const auto stored = provider.stored();
        REQUIRE(stored.size() == ++sent);
        CHECK(stored.back().data_set == data_set);
        CHECK(stored.back().request.transfer_syntax == head->head.transfer_syntax);
        syntaxes.insert(head->head.transfer_syntax.str());
    }
    CHECK(sent > 40);
    CHECK(syntaxes.contains("1.2.840.10008.1.2.2"));
    CHECK(syntaxes.contains("1.2.840.10008.1.2.1.99"));
}

TEST_CASE("a data set arrives the same however it is cut into PDVs and PDUs (PS3.8 E.1)")
{
    struct Row {
        std::size_t fragment;
        std::size_t pdvs_in_pdu;
    };

    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    const ByteVector data_set = ct_data_set("1.2.3.4", 20'000);
    for (const Row& row :
         {Row{2, 1}, Row{2, 1'000}, Row{14, 7}, Row{4'090, 1}, Row{8'000, 5}, Row{131'066, 1}}) {
        CAPTURE(row.fragment);
        CAPTURE(row.pdvs_in_pdu);
        ScriptedPeer peer = associate(acceptor);
        // the first data PDV shares the PDU of the command
        const ByteVector first = command_pdu(store_command({}));
        ByteVector all = in_pdvs(data_set, row.fragment, row.pdvs_in_pdu);
        peer.send(joined({first, all}));
        CHECK(status_of(peer.receive_pdu()) == 0);
        CHECK(provider.stored().back().data_set == data_set);
    }
}

TEST_CASE("a command and its data set may share one PDU and a PDV may be empty")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    const ByteVector data_set = ct_data_set("1.2.3.4", 100);
    const ByteVector parts[] = {
        p_data(1, 1, ConstBytes(store_command({})).first(20)),
        p_data(1, 3, ConstBytes(store_command({})).subspan(20)),
        p_data(1, 0, {}),
        p_data(1, 0, data_set),
        p_data(1, 2, {})
    };
    ByteVector pdu = hex("0400 00000000");
    for (const ByteVector& part : parts)
        pdu.insert(pdu.end(), part.begin() + 6, part.end());
    const std::size_t length = pdu.size() - 6;
    pdu[4] = static_cast<std::byte>(length >> 8U);
    pdu[5] = static_cast<std::byte>(length & 0xffU);
    peer.send(pdu);
    CHECK(status_of(peer.receive_pdu()) == 0);
    CHECK(provider.stored().at(0).data_set == data_set);
}

TEST_CASE("a message id may come again once it has been answered")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    for (int i = 0; i < 3; ++i)
        CHECK(store_one(peer, 5) == 0);
    CHECK(provider.stored().size() == 3);
}

TEST_CASE("a C-STORE that cannot be taken gets its status and the next one is unharmed")
{
    struct Row {
        const char* says;
        StoreCommand request;
        bool with_data;
        std::uint16_t status;
    };

    RecordingProvider provider;
    provider.on_begin = [](const dimse::StoreRequest& request) -> std::optional<DimseStatus> {
        if (request.sop.sop_instance.str() == "1.2.9")
            return DimseStatus{status::out_of_resources, "spool full"};
        return std::nullopt;
    };
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    const Row rows[] = {
        {"refused by the provider", {.sop_instance = "1.2.9"}, true, 0xa700},
        {"no data set", {.data_set_type = 0x0101}, false, 0x0212},
        {"no class", {.sop_class = ""}, true, 0x0212},
        {"no instance", {.sop_instance = ""}, true, 0x0117},
        {"an instance that is a path", {.sop_instance = "../../etc"}, true, 0x0117},
        {"another class than its context", {.sop_class = mr_image}, true, 0x0122},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        peer.send(command_pdu(store_command(row.request)));
        if (row.with_data)
            peer.send(in_pdvs(ct_data_set("1.2.3.4", 50'000), 1'000, 3));
        CHECK(status_of(peer.receive_pdu()) == row.status);
        CHECK(store_one(peer) == 0);
    }
    CHECK(provider.stored().size() == std::size(rows));
}

TEST_CASE("a status comes with its comment cut to what the field holds")
{
    RecordingProvider provider;
    provider.on_begin = [](const dimse::StoreRequest&) -> std::optional<DimseStatus> {
        return DimseStatus{status::out_of_resources, "a\\b\n" + std::string(100, 'x')};
    };
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    peer.send(joined({command_pdu(store_command({})), data_pdu(ct_data_set("1.2.3.4", 10))}));
    const ByteVector response = peer.receive_pdu();
    CHECK(status_of(response) == 0xa700);
    CHECK(command_text(response, 0x0902) == "ab" + std::string(60, 'x'));
}

TEST_CASE("after a failed write the rest is received and the status still goes out")
{
    RecordingProvider provider;
    std::size_t writes = 0;
    provider.on_write = [&](ConstBytes) -> Result<void> {
        ++writes;
        return Error{make_error_code(boost::system::errc::no_space_on_device), {}};
    };
    provider.store_status = status::out_of_resources;
    DimseAcceptor acceptor(provider);
    ScriptedPeer peer = associate(acceptor);
    for (int i = 0; i < 2; ++i) {
        peer.send(command_pdu(store_command({})));
        peer.send(in_pdvs(ct_data_set("1.2.3.4", 1'000'000), 16'000, 1));
        CHECK(status_of(peer.receive_pdu()) == 0xa700);
    }
    CHECK(writes == 2);
}

TEST_CASE("a transfer that breaks off is dropped and the peer's thread is free again")
{
    struct Row {
        const char* says;
        void (*end)(ScriptedPeer&);
    };

    const Row rows[] = {
        {"A-ABORT", [](ScriptedPeer& peer) { peer.send(abort_pdu()); }},
        {"A-RELEASE-RQ in the middle", [](ScriptedPeer& peer) { peer.send(release_request()); }},
        {"a data set cut short by the end of the connection",
         [](ScriptedPeer& peer) { peer.half_close(); }},
        {"a reset", [](ScriptedPeer& peer) { peer.reset(); }},
        {"half a PDV and the end",
         [](ScriptedPeer& peer) {
             peer.send(ConstBytes(p_data(1, 2, ByteVector(1'000))).first(500));
             peer.half_close();
         }},
    };
    RecordingProvider provider;
    auto options = acceptor_options();
    options.max_associations = 1;
    DimseAcceptor acceptor(provider, options);
    std::size_t ended = 0;
    for (const Row& row : rows) {
        CAPTURE(std::string(row.says));
        ScriptedPeer peer = associate(acceptor);
        peer.send(command_pdu(store_command({})));
        peer.send(p_data(1, 0, ByteVector(10'000)));
        row.end(peer);
        REQUIRE(provider.wait_closed(++ended));
        CHECK(provider.dropped() == ended);
        while (acceptor.associations() != 0)
            std::this_thread::yield(); // the loop hears of it a moment later
    }
    CHECK(provider.stored().empty());
}

TEST_CASE("twenty modalities store at once and nothing is mixed up")
{
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    std::vector<std::thread> modalities;
    std::atomic<int> failures{0};
    for (int m = 0; m < 20; ++m) {
        modalities.emplace_back([&, m] {
            const std::string uid = "1.2.3." + std::to_string(100 + m);
            const FastStoreScu::Template instance{
                ct_image, uid, explicit_le, ct_data_set(uid, 100'000)
            };
            FastStoreScu scu({.port = acceptor.port()}, instance, 16'384);
            for (int i = 0; i < 10; ++i)
                failures += scu.store(uid) == 0 ? 0 : 1;
            scu.release();
        });
    }
    for (std::thread& modality : modalities)
        modality.join();
    CHECK(failures == 0);
    const auto stored = provider.stored();
    REQUIRE(stored.size() == 200);
    for (const Stored& instance : stored)
        CHECK(instance.data_set == ct_data_set(instance.request.sop.sop_instance.str(), 100'000));
}
