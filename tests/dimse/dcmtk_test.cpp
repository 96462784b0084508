// With DCMTK on the other side: another implementation of the same standard.
#include "dimse/requestor.h"
#include "support/dcmtk_acceptor.h"
#include "support/dicom_bytes.h"
#include "support/dimse_acceptor.h"
#include "support/run.h"
#include "support/samples.h"
#include "support/scratch_folder.h"
#include "support/skip.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

using namespace gantry;
using namespace gantry::tests;

namespace {

/// Runs one of DCMTK's tools; true where it ends well.
bool tool(const std::string& line)
{
    const std::string command = "TCP_NODELAY=1 timeout 60 " + line + " >/dev/null 2>&1";
    return std::system(command.c_str()) == 0; // NOLINT: a test may
}

bool tools_missing()
{
    return !tool("storescu --version") || !tool("dcmsend --version");
}

std::string peer_of(const DimseAcceptor& acceptor)
{
    return " -aet MODALITY -aec GANTRY 127.0.0.1 " + std::to_string(acceptor.port()) + " ";
}

std::string quoted(const std::filesystem::path& path)
{
    return "'" + path.string() + "'";
}

ByteVector slurp(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
    ByteVector bytes;
    for (const char c : chars)
        bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

} // namespace

TEST_CASE("echoscu hears us and an unknown called AE is refused to it")
{
    if (tools_missing())
        return skip("DCMTK's tools are not installed");
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    CHECK(tool("echoscu" + peer_of(acceptor)));
    CHECK(tool("echoscu --repeat 5 --max-pdu 4096" + peer_of(acceptor)));
    CHECK(tool("echoscu --propose-pc 128" + peer_of(acceptor)));
    CHECK_FALSE(tool("echoscu -aec OTHER 127.0.0.1 " + std::to_string(acceptor.port())));
    CHECK(tool("echoscu --abort" + peer_of(acceptor)));
    CHECK(provider.wait_closed(4));
}

TEST_CASE("storescu and dcmsend store samples of every kind")
{
    const auto folder = samples_folder();
    if (!folder || tools_missing())
        return skip("DCMTK's tools or the sample files are not there");
    RecordingProvider provider;
    DimseAcceptor acceptor(provider);
    CHECK(tool(
        "storescu" + peer_of(acceptor) + quoted(*folder / "CT_small.dcm") + " " +
        quoted(*folder / "CT_small.dcm")
    ));
    CHECK(tool(
        "storescu --max-pdu 4096 -xr" + peer_of(acceptor) + quoted(*folder / "MR_small_RLE.dcm")
    ));
    CHECK(tool(
        "dcmsend --decompress-never --max-pdu 131072" + peer_of(acceptor) +
        quoted(*folder / "MR_small_jp2klossless.dcm") + " " +
        quoted(*folder / "MR_small_bigendian.dcm") + " " + quoted(*folder / "image_dfl.dcm") + " " +
        quoted(*folder / "test-SR.dcm")
    ));
    std::multiset<std::string> syntaxes;
    for (const Stored& instance : provider.stored())
        syntaxes.insert(instance.request.transfer_syntax.str());
    CHECK(syntaxes.size() == 7);
    CHECK(syntaxes.contains("1.2.840.10008.1.2.5"));
    CHECK(syntaxes.contains("1.2.840.10008.1.2.4.90"));
}

TEST_CASE("DCMTK receives what we send byte for byte and hears our release")
{
    const ScratchFolder folder;
    const ByteVector data_set = ct_data_set("1.2.3.4", 500'000);
    std::ofstream(folder.path() / "instance", std::ios::binary)
        .write(
            reinterpret_cast<const char*>(data_set.data()), // bytes are characters
            static_cast<std::streamsize>(data_set.size())
        );
    DcmtkAcceptor acceptor(folder.path(), 2);
    boost::asio::io_context loop;
    WorkerPool pool("outbound", 1);
    dimse::RequestorOptions options;
    options.calling_ae_title = *AeTitle::parse("GANTRY");
    dimse::Requestor requestor(
        {*AeTitle::parse("DCMTK"), "127.0.0.1", acceptor.port()}, options, pool
    );

    dimse::InstanceToSend instance;
    instance.key.sop = {*Uid::parse(ct_image), *Uid::parse("1.2.3.4")};
    instance.key.transfer_syntax = *Uid::parse(explicit_le);
    instance.file = folder.path() / "instance";
    instance.length = Bytes{data_set.size()};
    const auto outcomes = test::run(loop, requestor.store({instance}, {}));
    REQUIRE(outcomes.at(0).status.has_value());
    CHECK(outcomes.at(0).status->code == 0);
    const auto echoed = test::run(loop, requestor.echo());
    REQUIRE(echoed.has_value());
    CHECK(echoed->code == 0);
    acceptor.join();
    CHECK(acceptor.released() == 2);
    CHECK(slurp(folder.path() / "1.2.3.4") == data_set);
}
