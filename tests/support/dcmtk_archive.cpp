#include "support/dcmtk_archive.h"

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcistrmb.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace gantry::tests {

namespace {

bool runs(const std::string& line)
{
    const std::string command = "timeout 60 " + line + " >/dev/null 2>&1";
    return std::system(command.c_str()) == 0; // NOLINT: a test may
}

void write_file(const PacsInstance& instance, const std::filesystem::path& path)
{
    DcmFileFormat file;
    DcmInputBufferStream bytes;
    bytes.setBuffer(instance.data_set.data(), static_cast<offile_off_t>(instance.data_set.size()));
    bytes.setEos();
    DcmDataset& data_set = *file.getDataset();
    data_set.transferInit();
    const bool read = data_set.read(bytes, EXS_LittleEndianExplicit).good();
    data_set.transferEnd();
    if (!read || file.saveFile(path.c_str(), EXS_LittleEndianExplicit).bad())
        throw std::runtime_error("no file for dcmqrscp");
}

} // namespace

bool DcmtkArchive::available()
{
    return runs("dcmqrscp --version") && runs("dcmqridx --version");
}

DcmtkArchive::DcmtkArchive(const std::vector<PacsInstance>& instances, std::uint16_t move_port)
    : port_(ScriptedListener().port())
{
    const std::filesystem::path database = folder_.path() / "database";
    std::filesystem::create_directory(database);
    std::ofstream(folder_.path() / "configuration")
        << "NetworkTCPPort = " << port_ << "\nMaxPDUSize = 131072\nMaxAssociations = 16\n"
        << "HostTable BEGIN\ngantry = (GANTRY, localhost, " << move_port << ")\nHostTable END\n"
        << "VendorTable BEGIN\nVendorTable END\n"
        << "AETable BEGIN\nPACS " << database.string() << " RW (200, 4gb) ANY\nAETable END\n";
    for (const PacsInstance& instance : instances)
        write_file(instance, database / (instance.sop_instance + ".dcm"));
    if (!instances.empty() &&
        !runs("dcmqridx '" + database.string() + "' '" + database.string() + "'/*.dcm"))
        throw std::runtime_error("dcmqridx");
    start();
}

void DcmtkArchive::start()
{
    const std::string configuration = (folder_.path() / "configuration").string();
    std::vector<std::string> words{"dcmqrscp", "-q", "-c", configuration, "-pdu", "131072"};
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawnattr_t attributes{};
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP); // its children die with it
    const int failed =
        ::posix_spawnp(&process_, "dcmqrscp", nullptr, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    if (failed != 0)
        throw std::system_error(failed, std::system_category(), "dcmqrscp");
    const auto until = std::chrono::steady_clock::now() + ScriptedPeer::deadline;
    while (std::chrono::steady_clock::now() < until) {
        try {
            const ScriptedPeer there = ScriptedPeer::connect(port_);
            return;
        } catch (const std::system_error&) {
            (void)::poll(nullptr, 0, 10);
        }
    }
    throw std::runtime_error("dcmqrscp does not listen");
}

void DcmtkArchive::stop()
{
    if (process_ == 0)
        return;
    ::kill(-process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = 0;
}

dimse::PeerAddress DcmtkArchive::address() const
{
    return {*AeTitle::parse("PACS"), "127.0.0.1", port_};
}

} // namespace gantry::tests
