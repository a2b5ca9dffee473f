package dev.callboard.alert;

import jakarta.mail.internet.InternetAddress;
import java.io.IOException;
import java.util.List;
import java.util.UUID;

/**
 * A mail that this process may attempt until its lease expires.
 *
 * @param mailId its Message-ID
 * @param originalId the mail that has the alerts: itself, unless it is a copy for another channel
 * @param kind the code of its kind, which may be a user's own
 * @param threadId the Message-ID of the first mail about the provider and kind
 * @param previousId the Message-ID of the mail before it; null if it is the first
 * @param attempt which attempt this is, from 1
 * @param accepted whether a recipient accepted it on an earlier attempt
 * @param rejected the recipients who rejected it on an earlier attempt, in lower case
 * @param recipients the recipients that have not accepted or rejected it
 * @param beforeHandOver what is done right before the mail is handed over
 */
record LeasedMail(
        String mailId,
        String originalId,
        Channel channel,
        String provider,
        String kind,
        String threadId,
        String previousId,
        UUID leaseId,
        int attempt,
        boolean accepted,
        List<String> rejected,
        List<InternetAddress> recipients,
        MailContent content,
        BeforeHandOver beforeHandOver) {
    /** Renews the lease for as long as the hand-over may take. */
    @FunctionalInterface
    interface BeforeHandOver {
        /**
         * Renews it.
         *
         * @throws IOException if the mail must not be handed over, since the lease is lost or the database is away
         */
        void run() throws IOException;
    }

    boolean isCopy() {
        return !originalId.equals(mailId);
    }

    /** The addresses of the recipients, in lower case. */
    List<String> addresses() {
        return recipients.stream().map(DeliveryResult::normalize).toList();
    }
}
