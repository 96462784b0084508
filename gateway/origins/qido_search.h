// One request of a find, page by page to its end, over whatever breaks on the way (PS3.18 8.3.4.4).
// Runs on the loop. While one page is given to the asker the next is asked for; its body waits in
// the socket.
#pragma once

#include "gateway/origins/qido_matches.h"
#include "gateway/origins/qido_page.h"
#include "gateway/origins/qido_paging.h"

#include <optional>

namespace gantry {

struct SearchEnd {
    enum class Kind : std::uint8_t {
        done,
        enough, // the limit of the find was reached, or the asker stopped it
        problem
    };

    Kind kind = Kind::done;
    SearchProblem problem;                  // where it is one
    std::optional<std::uint64_t> remaining; // enough: beyond it
};

class QidoSearch {
public:
    /// `matches` outlives it. `wanted` and `offset` as for QidoPaging.
    QidoSearch(
        SearchRoom room,
        mapping::QidoRequest request,
        QidoMatches& matches,
        std::optional<std::uint64_t> wanted,
        std::uint64_t offset
    );

    asio::awaitable<SearchEnd> run();

private:
    /// How reading one page ended.
    struct PageEnd {
        PageCount count;
        std::optional<QidoMatches::Took> stop; // anything but fresh and repeated
        std::optional<SearchProblem> problem;
        bool full = false; // as many results as were asked for
    };

    struct StopsBoth;

    asio::awaitable<OpenedPage> open(QidoPaging paging);
    asio::awaitable<PageEnd> read(OpenedPage& opened);
    asio::awaitable<PageEnd> drain(OpenedPage& opened);
    asio::awaitable<void> probe(const PageEnd& end, std::uint64_t limit);
    asio::awaitable<bool> may_go_on(SearchProblem& problem);
    asio::awaitable<bool> wait_for_it(SearchProblem& problem);
    SearchEnd stopped(const PageEnd& end, const OpenedPage& opened) const;

    SearchRoom room_;
    mapping::QidoRequest request_;
    QidoMatches& matches_;
    QidoPaging paging_;
    std::optional<OpenedPage> ahead_;
    unsigned attempts_ = 0; // since something new came
    bool any_ = false;      // a page was read
    bool tried_xml_ = false;
};

} // namespace gantry
