package dev.callboard.security;

/** Why a caller was not let in: the word for the counter, and the words for a mail. */
enum RejectionReason {
    /** The allow list does not name the address. */
    ADDRESS("address", "not in the allow list"),
    /** The address is allowed, but the query has no token, another one, or several. */
    TOKEN("token", "without the token"),
    /** A near peer speaks for somebody else, and no setting says that it may. */
    UNTOLD_PROXY("untold_proxy", "a proxy that callboard.trusted-proxies does not name"),
    /** A trusted proxy does not say for whom it speaks, or not in a way that can be believed. */
    FORWARDING("forwarding", "a trusted proxy without a usable X-Forwarded-For"),
    /** The connection has no IP address. */
    PEER("peer", "without an IP address");

    private final String word;
    private final String phrase;

    RejectionReason(String word, String phrase) {
        this.word = word;
        this.phrase = phrase;
    }

    String word() {
        return word;
    }

    String phrase() {
        return phrase;
    }
}
