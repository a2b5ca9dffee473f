package dev.callboard.task;

import org.apache.camel.Exchange;

/**
 * Whether a callback is on disk. An exchange carries it as a property from where its router begins, and shares it with the
 * copies that a split or a multicast makes. Only {@link TaskRecorder} writes into it, so no step of a route can fake it. Safe
 * for use by any number of threads.
 */
final class Receipt {
    private static final String PROPERTY = Receipt.class.getName();

    private volatile boolean recorded;
    private volatile Exception failure;

    /** Gives an exchange a receipt unless it has one. */
    static void issue(Exchange exchange) {
        if (exchange.getProperty(PROPERTY) == null) {
            exchange.setProperty(PROPERTY, new Receipt());
        }
    }

    /** The receipt of an exchange; an empty one, which nothing else sees, if it has none. */
    static Receipt of(Exchange exchange) {
        Receipt receipt = exchange.getProperty(PROPERTY, Receipt.class);
        return receipt == null ? new Receipt() : receipt;
    }

    void record() {
        recorded = true;
    }

    void fail(Exception cause) {
        failure = cause;
    }

    boolean isRecorded() {
        return recorded;
    }

    /**
     * Why the callback is not recorded.
     *
     * @param place what ended without a record, for the message
     */
    Exception failure(String place) {
        return failure == null
                ? new UnrecordedCallbackException(
                        place + " ended without recording the callback: on each way through it,"
                                + " the exchange that it was given has to pass direct:record-task before the end")
                : failure;
    }
}
