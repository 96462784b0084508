// One association of the measuring tools, requestor or acceptor, on a plain blocking socket (PS3.8
// 9.3, PS3.7 9.3): counts what comes, keeps none of it. Shares no code with what it measures. One
// thread each; every wait ends with the socket's timeout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load_command.h"

namespace gantry::bench {

inline constexpr std::uint32_t largest_pdu = 131'072;

/// One presentation context to propose; its id is 2n + 1.
struct Proposal {
    std::string abstract_syntax;
    std::vector<std::string> transfer_syntaxes;
    bool as_scp = false; // the requestor plays the SCP (PS3.7 D.3.3.4)
};

class LoadAssociation {
public:
    struct Fragment {
        unsigned context = 0;
        bool command = false;
        bool last = false;
        std::string_view bytes; // until the next call
    };

    /// To 127.0.0.1; throws std::runtime_error where it is refused, or none of the contexts taken.
    LoadAssociation(
        std::uint16_t port,
        const std::string& called,
        const std::string& calling,
        const std::vector<Proposal>& proposals
    );
    /// As acceptor on an accepted socket: takes every context in its first transfer syntax, or in
    /// the first that is among `syntaxes` where there are any.
    LoadAssociation(int socket, const std::vector<std::string>& syntaxes);
    LoadAssociation(const LoadAssociation&) = delete;
    LoadAssociation& operator=(const LoadAssociation&) = delete;
    ~LoadAssociation();

    unsigned accepted_contexts() const { return accepted_; }

    bool accepted(unsigned context) const;

    void send(unsigned context, const CommandSet& command, std::string_view data_set = {});
    /// The next fragment; false where the peer released or closed. Throws for A-ABORT.
    bool next(Fragment& fragment);
    /// The next whole command set and its context; false as next().
    bool next_command(CommandSet& command, unsigned& context);
    /// Reads a data set to its end; how many bytes it had.
    std::uint64_t drain();
    void release();

private:
    std::string_view pdu(); // type and body; empty at the end
    void request(
        const std::string& called,
        const std::string& calling,
        const std::vector<Proposal>& proposals
    );
    void read_acceptance(std::string_view pdu);
    void write(std::string_view bytes) const;

    int socket_;
    unsigned accepted_ = 0;
    std::vector<bool> contexts_; // by id
    std::uint32_t peer_pdu_ = 16'384;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::string_view pdvs_; // of the P-DATA-TF that is being read
};

/// Listens on 127.0.0.1:`port`; throws.
int listen_on(std::uint16_t port);

} // namespace gantry::bench
