#include "support/scripted_origin.h"

#include "support/byte_channel.h"
#include "support/scripted_conversation.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace gantry::tests {

namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

using Context = std::unique_ptr<SSL_CTX, FreeContext>;

Context tls_context(const web::TlsFiles& files)
{
    Context context(SSL_CTX_new(TLS_server_method()));
    if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context.get(), files.private_key.c_str(), SSL_FILETYPE_PEM) !=
            1)
        throw std::runtime_error("test certificate");
    if (!files.ca.empty()) {
        SSL_CTX_load_verify_file(context.get(), files.ca.c_str());
        SSL_CTX_set_verify(
            context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr
        );
    }
    return context;
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int listen_on(std::uint16_t& port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address); // the API's own way
    if (::bind(fd, generic, size) != 0 || ::listen(fd, SOMAXCONN) != 0)
        throw std::runtime_error("cannot listen");
    ::getsockname(fd, generic, &size);
    port = ntohs(address.sin_port);
    return fd;
}

} // namespace

struct ScriptedOrigin::State final : ScriptBook {
    // One period of being up.
    struct Listening {
        Listening(State& of, std::uint16_t& port) : state(of), fd(listen_on(port))
        {
            acceptor = std::thread([this] { accept(); });
        }

        ~Listening()
        {
            stop.raise();
            acceptor.join();
            ::close(fd);
            for (std::thread& conversation : conversations)
                conversation.join();
        }

        Listening(const Listening&) = delete;
        Listening& operator=(const Listening&) = delete;

        void accept()
        {
            for (;;) {
                std::array<pollfd, 2> fds{pollfd{fd, POLLIN, 0}, pollfd{stop.fd(), POLLIN, 0}};
                (void)::poll(fds.data(), fds.size(), -1);
                if (fds[1].revents != 0)
                    return;
                const int socket = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
                if (socket >= 0)
                    conversations.emplace_back([this, socket] { state.converse(socket, stop); });
            }
        }

        State& state;
        StopFlag stop;
        int fd;
        std::vector<std::thread> conversations; // of the acceptor's thread, then the destructor's
        std::thread acceptor;
    };

    void converse(int fd, const StopFlag& stop)
    {
        ByteChannel channel(fd, &stop);
        std::size_t number = 0;
        {
            const std::lock_guard lock(mutex);
            number = ++connections;
        }
        if (!tls || channel.accept_tls(tls.get()))
            ScriptedConversation(channel, *this, number).run();
    }

    Reply choose(const ReceivedRequest& request) override
    {
        const std::lock_guard lock(mutex);
        if (script.empty())
            return rest ? rest(request) : Reply{};
        Reply reply = std::move(script.front());
        script.pop_front();
        return reply;
    }

    std::size_t record(const ReceivedRequest& request) override
    {
        const std::lock_guard lock(mutex);
        requests.push_back(request);
        return requests.size() - 1;
    }

    void update(std::size_t index, const ReceivedRequest& request) override
    {
        const std::lock_guard lock(mutex);
        requests[index] = request;
    }

    void answered() override
    {
        const std::lock_guard lock(mutex);
        ++answers;
        changed.notify_all();
    }

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::deque<Reply> script;
    Choose rest;
    std::vector<ReceivedRequest> requests;
    std::size_t connections = 0;
    std::size_t answers = 0;
    std::uint16_t port = 0;
    Context tls;
    std::unique_ptr<Listening> listening; // last: its threads use the above
};

Reply Reply::with(std::uint16_t status, std::string body)
{
    Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    return reply;
}

Reply Reply::json(std::uint16_t status, std::string body)
{
    Reply reply = with(status, std::move(body));
    reply.fields.add("Content-Type", "application/dicom+json");
    return reply;
}

Reply Reply::only(End end)
{
    Reply reply;
    reply.answer = false;
    reply.end = end;
    return reply;
}

Reply Reply::early(std::uint16_t status, std::uint64_t after_bytes)
{
    Reply reply = with(status);
    reply.read_body = after_bytes;
    reply.end = End::close;
    return reply;
}

Reply Reply::cut(std::size_t after_bytes, End end)
{
    Reply reply = with(200, "more than was sent");
    reply.cut_after = after_bytes;
    reply.end = end;
    return reply;
}

ScriptedOrigin::ScriptedOrigin() : state_(std::make_unique<State>())
{
    come_back();
}

ScriptedOrigin::ScriptedOrigin(const web::TlsFiles& tls) : state_(std::make_unique<State>())
{
    state_->tls = tls_context(tls);
    come_back();
}

ScriptedOrigin::~ScriptedOrigin() = default;

ScriptedOrigin& ScriptedOrigin::then(Reply reply)
{
    const std::lock_guard lock(state_->mutex);
    state_->script.push_back(std::move(reply));
    return *this;
}

ScriptedOrigin& ScriptedOrigin::otherwise(Reply reply)
{
    return otherwise([reply](const ReceivedRequest&) { return reply; });
}

ScriptedOrigin& ScriptedOrigin::otherwise(Choose choose)
{
    const std::lock_guard lock(state_->mutex);
    state_->rest = std::move(choose);
    return *this;
}

std::uint16_t ScriptedOrigin::port() const noexcept
{
    return state_->port;
}

std::string ScriptedOrigin::url(std::string_view path) const
{
    return (state_->tls ? "https://127.0.0.1:" : "http://127.0.0.1:") +
           std::to_string(state_->port) + std::string(path);
}

std::vector<ReceivedRequest> ScriptedOrigin::requests() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->requests;
}

std::size_t ScriptedOrigin::connections() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->connections;
}

bool ScriptedOrigin::wait_for_requests(std::size_t count, std::chrono::milliseconds longest) const
{
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, longest, [&] { return state_->answers >= count; });
}

void ScriptedOrigin::go_down()
{
    state_->listening.reset();
}

void ScriptedOrigin::come_back()
{
    if (!state_->listening)
        state_->listening = std::make_unique<State::Listening>(*state_, state_->port);
}

} // namespace gantry::tests
