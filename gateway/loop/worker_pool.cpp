#include "gateway/loop/worker_pool.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <vector>

namespace gantry {

struct WorkerPool::State {
    std::string name;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Work> waiting;
    std::vector<std::thread> threads;
    std::stop_source stop;
    std::size_t busy = 0;
    bool stopped = false;
    bool joining = false;

    void run()
    {
        pthread_setname_np(pthread_self(), name.c_str());
        std::unique_lock lock(mutex);
        for (;;) {
            wake.wait(lock, [this] { return !waiting.empty() || stopped || joining; });
            if (waiting.empty())
                return;
            Work work = std::move(waiting.front());
            waiting.pop_front();
            ++busy;
            lock.unlock();
            work(stop.get_token());
            work = nullptr; // what it captured dies before the lock is taken again
            lock.lock();
            --busy;
        }
    }
};

WorkerPool::WorkerPool(std::string name, std::size_t max_threads)
    : max_threads_(max_threads), state_(std::make_unique<State>())
{
    state_->name = name.substr(0, 15);
}

WorkerPool::~WorkerPool()
{
    stop();
    join();
}

bool WorkerPool::submit(Work work)
{
    const std::lock_guard lock(state_->mutex);
    if (state_->stopped || state_->joining)
        return false;
    state_->waiting.push_back(std::move(work));
    const std::size_t wanted = state_->busy + state_->waiting.size();
    if (state_->threads.size() < wanted && state_->threads.size() < max_threads_)
        state_->threads.emplace_back([state = state_.get()] { state->run(); });
    state_->wake.notify_one();
    return true;
}

void WorkerPool::stop()
{
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopped = true;
    }
    state_->stop.request_stop();
    state_->wake.notify_all();
}

void WorkerPool::join()
{
    std::vector<std::thread> threads;
    {
        const std::lock_guard lock(state_->mutex);
        state_->joining = true;
        threads.swap(state_->threads);
    }
    state_->wake.notify_all();
    for (std::thread& thread : threads)
        thread.join();
}

std::size_t WorkerPool::busy() const
{
    const std::lock_guard lock(state_->mutex);
    return state_->busy;
}

} // namespace gantry
