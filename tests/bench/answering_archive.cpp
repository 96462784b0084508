// A DICOMweb server that makes up what it is asked for, as fast as a socket takes it: an archive
// that costs nothing, so that what is measured is who asks. Shares no code with gantry; one thread
// a connection, plain system calls. usage: answering_archive; prints its port.
//   QIDO-RS  /studies?PatientID=N<count>     so many studies of one patient, by limit and offset
//            /studies/2.25.7.<count>.<size>[/series[/<e>]/instances]   one series, its instances
//   WADO-RS  the same study, its series <study>.1, its instances <series>.<n>: CT images with
//            `size` bytes of pixel data, in Explicit VR Little Endian
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include "bench/elements.h"
#include "bench/listening.h"

namespace {

using gantry::bench::file_head;
using gantry::bench::put;
using gantry::bench::us;

constexpr const char* ct_image = "1.2.840.10008.5.1.4.1.1.2";
constexpr const char* explicit_le = "1.2.840.10008.1.2.1";
constexpr const char* study_root = "2.25.7.";
constexpr const char* boundary = "answer0123456789";
constexpr unsigned first_instance = 100'000; // all numbers have as many digits
constexpr unsigned largest_page = 1'000'000;

class Socket {
public:
    explicit Socket(int fd) : fd_(fd) {}

    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    ~Socket() { ::close(fd_); }

    /// The head of the next request, without a body; empty at the end.
    std::string request()
    {
        char piece[16'384];
        std::size_t end = 0;
        while ((end = window_.find("\r\n\r\n")) == std::string::npos) {
            const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
            if (got <= 0)
                return {};
            window_.append(piece, static_cast<std::size_t>(got));
        }
        std::string head = window_.substr(0, end);
        window_.erase(0, end + 4);
        return head;
    }

    bool send(std::string_view bytes, bool more = false)
    {
        while (!bytes.empty()) {
            const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), flags);
            if (sent <= 0)
                return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

private:
    int fd_;
    std::string window_;
};

bool send_head(Socket& socket, const char* type, std::size_t length)
{
    return socket.send(
        "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) +
            "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n",
        true
    );
}

std::optional<std::string> parameter(std::string_view query, std::string_view name)
{
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with("="))
            return std::string(pair.substr(name.size() + 1));
    }
    return std::nullopt;
}

unsigned number_in(std::string_view text)
{
    return static_cast<unsigned>(std::strtoul(std::string(text).c_str(), nullptr, 10));
}

std::string attribute(const char* tag, const char* vr, const std::string& value)
{
    const bool name = std::string_view(vr) == "PN";
    const bool number = std::string_view(vr) == "IS" || std::string_view(vr) == "US";
    std::string shown = number ? value : "\"" + value + "\"";
    if (name)
        shown = "{\"Alphabetic\":" + shown + "}";
    return std::string("\"") + tag + "\":{\"vr\":\"" + vr + "\",\"Value\":[" + shown + "]}";
}

std::string study_of(const std::string& patient, unsigned n)
{
    const std::string number = std::to_string(first_instance + n);
    std::string out = "{" + attribute("00080020", "DA", "20240501");
    out += "," + attribute("00080030", "TM", "101500");
    out += "," + attribute("00080050", "SH", "A" + number);
    out += "," + attribute("00080061", "CS", "CT");
    out += "," + attribute("00081030", "LO", "Thorax " + number);
    out += ",\"00080090\":{\"vr\":\"PN\"},\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]}";
    out += "," + attribute("00100010", "PN", "Load^Test");
    out += "," + attribute("00100020", "LO", patient);
    out += "," + attribute("00100030", "DA", "19700101") + "," + attribute("00100040", "CS", "O");
    out += "," + attribute("0020000D", "UI", study_root + number);
    out += "," + attribute("00200010", "SH", "S" + number);
    out += "," + attribute("00201206", "IS", "1") + "," + attribute("00201208", "IS", "100");
    return out + "}";
}

/// A study whose UID says how many instances of which size it has.
struct Study {
    std::string uid;
    unsigned instances = 0;
    std::size_t size = 0;

    std::string series() const { return uid + ".1"; }

    std::string instance(unsigned n) const
    {
        return series() + "." + std::to_string(first_instance + n);
    }
};

Study study_named(const std::string& uid)
{
    const std::string rest = uid.substr(std::min(std::string_view(study_root).size(), uid.size()));
    const auto dot = std::min(rest.find('.'), rest.size());
    return {uid, number_in(rest), dot == rest.size() ? 0 : number_in(rest.substr(dot + 1))};
}

std::string series_of(const Study& study)
{
    return "{" + attribute("00080060", "CS", "CT") + "," + attribute("0020000D", "UI", study.uid) +
           "," + attribute("0020000E", "UI", study.series()) + "," +
           attribute("00200011", "IS", "1") + "," +
           attribute("00201209", "IS", std::to_string(study.instances)) + "}";
}

std::string instance_of(const Study& study, unsigned n)
{
    return "{" + attribute("00080016", "UI", ct_image) + "," +
           attribute("00080018", "UI", study.instance(n)) + "," +
           attribute("0020000D", "UI", study.uid) + "," +
           attribute("0020000E", "UI", study.series()) + "," +
           attribute("00200013", "IS", std::to_string(n + 1)) + "," +
           attribute("00083002", "UI", explicit_le) + "}";
}

/// A page of what `make` gives for 0 to `count` - 1.
template <typename Make>
bool answer_page(Socket& socket, std::string_view query, unsigned count, Make make)
{
    const unsigned offset = number_in(parameter(query, "offset").value_or("0"));
    const unsigned limit =
        number_in(parameter(query, "limit").value_or(std::to_string(largest_page)));
    std::string body = "[";
    for (unsigned n = offset; n < count && n - offset < limit; ++n)
        body += (n > offset ? "," : "") + make(n);
    body += "]";
    return send_head(socket, "application/dicom+json", body.size()) && socket.send(body);
}

/// File meta and data set up to the value of Pixel Data.
std::string head_of(const Study& study, unsigned n)
{
    const std::string instance = study.instance(n);
    std::string out = file_head(ct_image, instance);
    put(out, 0x0008, 0x0016, "UI", ct_image);
    put(out, 0x0008, 0x0018, "UI", instance);
    put(out, 0x0008, 0x0020, "DA", "20240501");
    put(out, 0x0008, 0x0060, "CS", "CT");
    put(out, 0x0010, 0x0010, "PN", "Load^Test");
    put(out, 0x0010, 0x0020, "LO", "LOAD-1");
    put(out, 0x0020, 0x000d, "UI", study.uid);
    put(out, 0x0020, 0x000e, "UI", study.series());
    put(out, 0x0028, 0x0010, "US", us(512));
    put(out, 0x0028, 0x0011, "US", us(512));
    put(out, 0x0028, 0x0100, "US", us(16));
    put(out, 0x7fe0, 0x0010, "OW", "");
    const std::size_t at = out.size() - 4; // its length
    for (unsigned i = 0; i < 4; ++i)
        out[at + i] = static_cast<char>(study.size >> (8U * i) & 0xffU);
    return out;
}

bool send_pixels(Socket& socket, std::size_t size)
{
    static const std::string block(1U << 20U, '\x5a');
    for (std::size_t left = size; left > 0;) {
        const std::size_t now = std::min(left, block.size());
        if (!socket.send(std::string_view(block).substr(0, now), true))
            return false;
        left -= now;
    }
    return true;
}

bool answer_instances(Socket& socket, const Study& study, unsigned first, unsigned count)
{
    const std::string part = std::string("--") + boundary +
                             "\r\nContent-Type: application/dicom; transfer-syntax=" + explicit_le +
                             "\r\n\r\n";
    const std::string end = std::string("--") + boundary + "--\r\n";
    const std::size_t each = part.size() + head_of(study, first).size() + study.size + 2;
    const std::string type =
        std::string("multipart/related; type=\"application/dicom\"; boundary=") + boundary;
    if (!send_head(socket, type.c_str(), each * count + end.size()))
        return false;
    for (unsigned n = first; n < first + count; ++n)
        if (!socket.send(part + head_of(study, n), true) || !send_pixels(socket, study.size) ||
            !socket.send("\r\n", true))
            return false;
    return socket.send(end);
}

std::vector<std::string> parts_of(std::string_view path)
{
    std::vector<std::string> out;
    while (!path.empty()) {
        path.remove_prefix(1);
        out.emplace_back(path.substr(0, path.find('/')));
        path.remove_prefix(std::min(out.back().size(), path.size()));
    }
    return out;
}

// path: studies, {study}, series, {series}, instances, {instance}; as far as it goes.
bool answer(Socket& socket, const std::vector<std::string>& path, std::string_view query)
{
    if (path.size() == 1 && path[0] == "studies") {
        const std::string patient =
            parameter(query, "PatientID").value_or(parameter(query, "00100020").value_or("N1"));
        return answer_page(socket, query, number_in(patient.substr(1)), [&](unsigned n) {
            return study_of(patient, n);
        });
    }
    if (path.size() < 2 || path[0] != "studies")
        return send_head(socket, "application/dicom+json", 2) && socket.send("[]");
    const Study study = study_named(path[1]);
    if (path.size() == 3 && path[2] == "series")
        return answer_page(socket, query, 1, [&](unsigned) { return series_of(study); });
    if (path.back() == "instances")
        return answer_page(socket, query, study.instances, [&](unsigned n) {
            return instance_of(study, n);
        });
    if (path.size() == 6) {
        const unsigned n = number_in(path[5].substr(path[5].rfind('.') + 1)) - first_instance;
        return answer_instances(socket, study, n, 1);
    }
    return answer_instances(socket, study, 0, study.instances);
}

void serve(int fd)
{
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Socket socket(fd);
    for (std::string head = socket.request(); !head.empty(); head = socket.request()) {
        const std::size_t start = head.find(' ') + 1;
        const std::string target = head.substr(start, head.find(' ', start) - start);
        const std::size_t mark = std::min(target.find('?'), target.size());
        const std::string query = target.substr(std::min(mark + 1, target.size()));
        if (!answer(socket, parts_of(target.substr(0, mark)), query))
            return;
    }
}

} // namespace

int main()
{
    return gantry::bench::listen_and_serve(serve);
}
