// One TCP connection of an association, as its worker thread sees it: reads into one large buffer,
// writes whole, every wait bounded and ended by a stop request. One thread at a time. Where TLS
// comes in, it comes in here.
#pragma once

#include "mapping/vocabulary/bytes.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>

namespace gantry::dimse {

/// A file descriptor that is closed once.
class FileDescriptor {
public:
    FileDescriptor() = default;

    explicit FileDescriptor(int fd) noexcept : fd_(fd) {}

    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}

    FileDescriptor& operator=(FileDescriptor&& other) noexcept
    {
        reset(other.release());
        return *this;
    }

    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;

    ~FileDescriptor() { reset(-1); }

    int get() const noexcept { return fd_; }

    bool open() const noexcept { return fd_ >= 0; }

    int release() noexcept
    {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }

private:
    void reset(int fd) noexcept;

    int fd_ = -1;
};

/// A stop request as something that poll() sees.
class StopSignal {
public:
    explicit StopSignal(std::stop_token token);
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;
    ~StopSignal() = default;

    int fd() const noexcept { return event_.get(); }

    bool requested() const noexcept { return token_.stop_requested(); }

private:
    struct Fire {
        int fd;
        void operator()() const noexcept;
    };

    FileDescriptor event_;
    std::stop_token token_;
    std::stop_callback<Fire> callback_;
};

/// Calls an association's thread out of its wait: something has come from the loop.
class WakeSignal {
public:
    WakeSignal();
    WakeSignal(const WakeSignal&) = delete;
    WakeSignal& operator=(const WakeSignal&) = delete;
    ~WakeSignal() = default;

    int fd() const noexcept { return event_.get(); }

    /// Any thread.
    void wake() noexcept;

    /// Before looking at what has come.
    void clear() noexcept;

private:
    FileDescriptor event_;
};

/// How a wait or a transfer ended.
enum class Transfer : unsigned char { done, closed, silence, stopped };

/// What ended a wait for several things. None of them: the time.
struct Readiness {
    bool input = false; // something to read, the end of the stream among it
    bool event = false;
    bool stopped = false;
};

/// Hears of what the peer sends while we are busy writing: it may want us to stop.
class InputWatch {
public:
    InputWatch() = default;
    InputWatch(const InputWatch&) = delete;
    InputWatch& operator=(const InputWatch&) = delete;
    virtual ~InputWatch() = default;
    /// More is buffered than before. False: what is being written has lost its point.
    virtual bool input() = 0;
};

class Connection {
public:
    /// `socket` is connected and non-blocking; `stop` outlives the connection. `silence` bounds
    /// each wait.
    Connection(FileDescriptor socket, const StopSignal& stop, std::chrono::milliseconds silence);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() = default;

    void set_silence(std::chrono::milliseconds silence) noexcept { silence_ = silence; }

    std::chrono::milliseconds silence() const noexcept { return silence_; }

    /// A stop request is heeded that much later: time to end in peace what is under way. wait_any()
    /// tells of it at once.
    void set_grace(std::chrono::milliseconds grace) noexcept { grace_ = grace; }

    /// From then on every transfer is `stopped`.
    void end_within(std::chrono::milliseconds time) noexcept;

    /// Another conversation begins: other requests to stop, and no end is set.
    void serve_under(const StopSignal& stop) noexcept;

    /// Null: nobody. While one is set, a write that has to wait takes in what comes.
    void set_watch(InputWatch* watch) noexcept { watch_ = watch; }

    /// Waits for input, for the descriptor `event`, for a stop; `time` at the most.
    Readiness wait_any(int event, std::chrono::milliseconds time);

    /// What has arrived and is not consumed.
    ConstBytes buffered() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }

    /// Waits until at least `count` bytes are buffered; takes as many as there are. `count` is at
    /// most buffer_size.
    Transfer fill(std::size_t count);

    void consume(std::size_t count) noexcept;

    /// Writes all of it. `more` says that the next write follows at once: the kernel may wait for
    /// it.
    /// `closed` also where a watch wants it ended.
    Transfer write(ConstBytes bytes, bool more = false);

    /// As above, one after the other without a copy that joins them.
    Transfer write(ConstBytes head, ConstBytes rest, bool more);

    /// Lets the watch see what has come; does not wait. For between writes that never had to.
    Transfer look();

    /// For a last PDU: writes what goes without waiting, says that no more comes, and gives the
    /// peer `linger` to close, so that a reset does not overtake what we said.
    void finish(ConstBytes last_words, std::chrono::milliseconds linger) noexcept;

    static constexpr std::size_t buffer_size = 256U << 10U;

private:
    using Clock = std::chrono::steady_clock;

    bool over() noexcept;
    Transfer await_socket(short events, Clock::time_point until, short& met);
    Transfer wait(short events);
    Transfer wait_room();
    void make_room(std::size_t count);

    FileDescriptor socket_;
    const StopSignal* stop_;
    std::chrono::milliseconds silence_;
    std::chrono::milliseconds grace_{0};
    std::optional<Clock::time_point> deadline_; // of all transfers
    InputWatch* watch_ = nullptr;
    std::unique_ptr<std::byte[]> buffer_; // pages that nothing arrives in cost nothing
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// No Nagle, so that responses leave at once; keep-alive, so that a peer that lost power is
/// noticed.
void tune_association_socket(int socket) noexcept;

} // namespace gantry::dimse
