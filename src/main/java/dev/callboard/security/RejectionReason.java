package dev.callboard.security;

import java.util.Locale;

/** Why a caller was rejected. */
enum RejectionReason {
    /** The client address is in no range of the provider's allow list. */
    ADDRESS("not in the allow list"),
    /** The address is allowed, but the query has no token, a wrong one, or several. */
    TOKEN("without the token"),
    /** A peer on loopback or in a private range sent a forwarding header, and is no trusted proxy. */
    UNTRUSTED_PROXY("a proxy that callboard.trusted-proxies does not name"),
    /** A trusted proxy sent no X-Forwarded-For from which the client address can be read. */
    FORWARDING("a trusted proxy without a usable X-Forwarded-For"),
    /** The connection has no IP address. */
    PEER("without an IP address");

    private final String code = name().toLowerCase(Locale.ROOT);
    private final String phrase;

    RejectionReason(String phrase) {
        this.phrase = phrase;
    }

    /** For metrics and log lines. */
    String code() {
        return code;
    }

    /** For mails. */
    String phrase() {
        return phrase;
    }
}
