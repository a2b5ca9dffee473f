package dev.callboard.security;

/** A caller was rejected. It is answered 403 with an empty body; the reason is only in the log. */
public final class CallerRejectedException extends Exception {
    private static final long serialVersionUID = 1;

    private final RejectionReason reason;
    private final String network;
    private final String client;

    /**
     * @param network what counts as one caller, see {@link Client#network}
     * @param client the client and its proxies, see {@link Client#toString}
     * @param hint what was wrong or what to do, for the log; of what the caller sent only text that is cut and cleaned
     */
    CallerRejectedException(RejectionReason reason, String network, String client, String hint) {
        // Without a stack trace: anyone on the network can have it thrown.
        super(hint, null, false, false);
        this.reason = reason;
        this.network = network;
        this.client = client;
    }

    RejectionReason reason() {
        return reason;
    }

    String network() {
        return network;
    }

    String client() {
        return client;
    }
}
