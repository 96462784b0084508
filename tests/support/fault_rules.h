// The rules of the fault shim, parsed. Part of the shim: uses nothing that the shim stands before.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>

namespace gantry::tests {

enum class Op : std::uint8_t { write, sync, make, move, remove };

inline constexpr std::size_t op_count = 5;
inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

struct OpRule {
    std::uint64_t fail_from = never;
    int error = EIO;
    unsigned delay_us = 0;
};

struct FaultRules {
    std::string path;
    std::array<OpRule, op_count> ops;
    std::uint64_t kill_at = never;
    std::string shadow_folder;
    std::string shadow_store;
    bool any = false; // there are rules at all
};

template <class Apply>
void for_ops(const std::string& name, FaultRules& rules, Apply apply)
{
    constexpr std::string_view names[] = {"write", "sync", "make", "move", "remove"};
    for (std::size_t op = 0; op < op_count; ++op)
        if (name == "any" || name == names[op])
            apply(rules.ops[op]);
}

inline FaultRules parse_rules(const std::string& text)
{
    FaultRules rules;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string verb;
        std::string op;
        if (!(words >> verb))
            continue;
        rules.any = true;
        if (verb == "path") {
            words >> rules.path;
        } else if (verb == "fail") {
            std::uint64_t from = 1;
            std::string error;
            words >> op >> from >> error;
            for_ops(op, rules, [&](OpRule& rule) {
                rule.fail_from = from;
                rule.error = error == "ENOSPC" ? ENOSPC : EIO;
            });
        } else if (verb == "delay") {
            unsigned delay_us = 0;
            words >> op >> delay_us;
            for_ops(op, rules, [&](OpRule& rule) { rule.delay_us = delay_us; });
        } else if (verb == "kill") {
            words >> rules.kill_at;
        } else if (verb == "shadow") {
            words >> rules.shadow_folder >> rules.shadow_store;
        }
    }
    return rules;
}

} // namespace gantry::tests
