#include "cli_support.h"

#include "mapping/file_meta.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace gantry::tests {

namespace {

void become_gantry(const std::vector<std::string>& arguments, const std::filesystem::path& folder)
{
    const auto redirect = [](const std::filesystem::path& to, int fd, int flags) {
        const int file = ::open(to.c_str(), flags, 0600);
        if (file < 0 || ::dup2(file, fd) < 0)
            ::_exit(126);
    };
    redirect("/dev/null", STDIN_FILENO, O_RDONLY);
    redirect(folder / "out", STDOUT_FILENO, O_WRONLY | O_CREAT);
    redirect(folder / "err", STDERR_FILENO, O_WRONLY | O_CREAT);
    std::vector<std::string> words{GANTRY_BINARY};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

/// One element in Explicit VR Little Endian with a short VR (PS3.5 7.1.2).
std::string element(std::uint16_t group, std::uint16_t number, const char* vr, std::string value)
{
    if (value.size() % 2 != 0)
        value += std::string_view(vr) == "UI" ? '\0' : ' ';
    std::string out;
    const auto add = [&out](std::uint16_t word) {
        out += static_cast<char>(word & 0xffU);
        out += static_cast<char>(word >> 8U);
    };
    add(group);
    add(number);
    out += vr;
    add(static_cast<std::uint16_t>(value.size()));
    return out + value;
}

constexpr const char* ct_class = "1.2.840.10008.5.1.4.1.1.2";

} // namespace

Ran run_gantry(const std::vector<std::string>& arguments)
{
    const ScratchFolder folder;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
        become_gantry(arguments, folder.path());
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    Ran ran;
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ran.out = read_file(folder.path() / "out");
    ran.err = read_file(folder.path() / "err");
    return ran;
}

bool has(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

std::filesystem::path write_file(const std::filesystem::path& path, std::string_view text)
{
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

std::string read_file(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string small_ct_data_set(const std::string& sop_instance_uid)
{
    return element(0x0008, 0x0016, "UI", ct_class) +
           element(0x0008, 0x0018, "UI", sop_instance_uid) + element(0x0010, 0x0020, "LO", "4711") +
           element(0x0020, 0x000d, "UI", "1.2.3.100") +
           element(0x0020, 0x000e, "UI", "1.2.3.100.1");
}

std::string small_ct(const std::string& sop_instance_uid)
{
    mapping::FileHead head;
    head.sop = {Uid::parse(ct_class).value(), Uid::parse(sop_instance_uid).value()};
    head.transfer_syntax = Uid::parse("1.2.840.10008.1.2.1").value();
    return mapping::write_file_head(head) + small_ct_data_set(sop_instance_uid);
}

} // namespace gantry::tests
