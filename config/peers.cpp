// peers: every DIMSE node that gantry talks with.
#include "config/read.h"
#include "mapping/vocabulary/transfer_syntax.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace gantry::config {

namespace {

constexpr Choice<Service> services[] = {
    {"echo", Service::echo},
    {"store", Service::store},
    {"find", Service::find},
    {"move", Service::move},
    {"get", Service::get},
    {"worklist", Service::worklist},
    {"performed_step", Service::performed_step},
    {"commit", Service::commit},
};

// Defined terms of (0008,0005), PS3.3 C.12.1.1.2.
constexpr std::array<std::string_view, 30> character_sets{
    "ISO_IR 6",        "ISO_IR 100",      "ISO_IR 101",      "ISO_IR 109",
    "ISO_IR 110",      "ISO_IR 144",      "ISO_IR 127",      "ISO_IR 126",
    "ISO_IR 138",      "ISO_IR 148",      "ISO_IR 203",      "ISO_IR 13",
    "ISO_IR 166",      "ISO_IR 192",      "GB18030",         "GBK",
    "ISO 2022 IR 6",   "ISO 2022 IR 100", "ISO 2022 IR 101", "ISO 2022 IR 109",
    "ISO 2022 IR 110", "ISO 2022 IR 144", "ISO 2022 IR 127", "ISO 2022 IR 126",
    "ISO 2022 IR 138", "ISO 2022 IR 148", "ISO 2022 IR 13",  "ISO 2022 IR 87",
    "ISO 2022 IR 149", "ISO 2022 IR 58",
};

void read_may(Section& section, Peer& peer, Reading& reading)
{
    if (section.take("may") == nullptr)
        return;
    std::vector<Service>& only = peer.only.emplace();
    for (const TreeNode* const item : section.list("may")) {
        const auto* const found = std::ranges::find(services, item->scalar, &Choice<Service>::word);
        if (found != std::end(services)) {
            only.push_back(found->value);
            continue;
        }
        std::string words;
        for (const auto& each : services)
            words += (words.empty() ? "" : ", ") + std::string(each.word);
        reading.problems.error(
            item->place,
            section.path() + ".may: \"" + item->scalar.substr(0, 80) + "\" is none of: " + words
        );
    }
}

void read_host(Section& section, std::string& host)
{
    section.read("host", host);
    if (!host.empty() && !is_host(host))
        section.error(
            "host", "\"" + host.substr(0, 80) + "\" is neither a host name nor an IP address"
        );
}

void read_character_set(Section& section, std::string& into)
{
    section.read("character_set", into);
    if (into.empty() || std::ranges::find(character_sets, into) != character_sets.end())
        return;
    const std::string_view meant = nearest(into, character_sets);
    section.error(
        "character_set",
        "\"" + into.substr(0, 80) + "\" is not a term of (0008,0005)" +
            (meant.empty() ? ", such as ISO_IR 100 or ISO_IR 192"
                           : ": did you mean \"" + std::string(meant) + "\"?")
    );
}

Peer read_peer(Section& section, Reading& reading)
{
    Peer peer;
    section.read("ae_title", peer.address.ae_title);
    read_host(section, peer.address.host);
    section.read("port", peer.address.port, 1);
    read_may(section, peer, reading);
    read_character_set(section, peer.character_set);
    peer.transfer_syntaxes = read_transfer_syntaxes(section, "transfer_syntaxes");
    std::uint16_t max_associations = 0;
    section.read("max_associations", max_associations, 1, 1024);
    if (max_associations != 0)
        peer.max_associations = max_associations;
    constexpr Choice<bool> association[] = {{"same", false}, {"new", true}};
    section.read("commit_association", peer.commit_on_new_association, association);
    section.read("tls", peer.tls);
    section.read("profile", peer.profile);
    section.require("ae_title");
    section.finish();
    if (peer.tls)
        section.error("tls", "this version cannot do that yet; remove it");
    return peer;
}

bool same_word(std::string_view a, std::string_view b)
{
    return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

} // namespace

std::vector<Uid> read_transfer_syntaxes(Section& section, std::string_view key)
{
    std::vector<Uid> list;
    std::vector<std::string> words;
    section.read(key, words);
    for (const std::string& word : words) {
        const auto all = TransferSyntax::all();
        const auto found = std::ranges::find_if(all, [&](const TransferSyntax& each) {
            return same_word(each.name, word);
        });
        const auto uid = Uid::parse(found == all.end() ? std::string_view(word) : found->uid);
        if (uid)
            list.push_back(*uid);
        else
            section.error(
                key,
                "\"" + word.substr(0, 80) +
                    "\" is no transfer syntax: give its UID or its name, as \"Explicit VR Little "
                    "Endian\""
            );
    }
    return list;
}

void read_peers(const std::vector<const TreeNode*>& items, Reading& reading)
{
    for (std::size_t i = 0; i < items.size(); ++i) {
        Section section(items[i], "peers[" + std::to_string(i + 1) + "]", reading.problems);
        if (!section.present())
            continue;
        Peer peer = read_peer(section, reading);
        const Place place = section.place("ae_title");
        const Peer* const same = reading.config.peer(peer.address.ae_title);
        if (same == nullptr || peer.address.ae_title.empty()) {
            reading.config.peers.push_back(std::move(peer));
            reading.peer_places.push_back(place);
            continue;
        }
        const auto index = static_cast<std::size_t>(same - reading.config.peers.data());
        section.error(
            "ae_title",
            peer.address.ae_title.str() + " is given twice, the first time in line " +
                std::to_string(reading.peer_places[index].line)
        );
    }
}

} // namespace gantry::config
