// Exits 0 where the compiler constructs and destroys temporaries inside a co_await expression
// exactly once.
#include <coroutine>
#include <cstdlib>
#include <utility>

namespace {

int alive = 0;
bool broken = false;

struct Counted {
    Counted() { ++alive; }

    Counted(const Counted&) { ++alive; }

    Counted(Counted&&) noexcept { ++alive; }

    ~Counted()
    {
        --alive;
        broken = broken || alive < 0;
    }

    Counted& operator=(const Counted&) = default;
    Counted& operator=(Counted&&) = default;
};

struct Options {
    Counted a;
    Counted b;
};

struct Task {
    struct promise_type {
        std::coroutine_handle<> waiting;

        Task get_return_object()
        {
            return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
        }

        std::suspend_always initial_suspend() noexcept { return {}; }

        std::suspend_always final_suspend() noexcept { return {}; }

        void return_void() {}

        void unhandled_exception() { std::abort(); }
    };

    std::coroutine_handle<promise_type> handle;

    explicit Task(std::coroutine_handle<promise_type> h) : handle(h) {}

    Task(Task&& other) noexcept : handle(std::exchange(other.handle, {})) {}

    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    Task& operator=(Task&&) = delete;

    ~Task()
    {
        if (handle)
            handle.destroy();
    }

    bool await_ready() { return false; }

    void await_suspend(std::coroutine_handle<>) {}

    void await_resume() {}
};

Task takes_options(Options options)
{
    (void)options;
    co_return;
}

template <class Work>
Task takes_work(Work work)
{
    work();
    co_return;
}

Task probe()
{
    Counted captured;
    co_await takes_work([captured] { (void)captured; });
    co_await takes_options({Counted{}, Counted{}});
}

} // namespace

int main()
{
    {
        const Task task = probe();
        task.handle.resume();
        task.handle.resume();
        task.handle.resume();
    }
    return broken || alive != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
