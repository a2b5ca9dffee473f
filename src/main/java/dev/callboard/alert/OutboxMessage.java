package dev.callboard.alert;

import jakarta.mail.Session;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.util.Properties;

/** A mail of the outbox: its lease is checked right before the hand-over, and the answer to that is waited for. */
final class OutboxMessage extends MimeMessage {
    private final LeasedMail mail;

    OutboxMessage(LeasedMail mail) {
        super(Session.getInstance(new Properties()));
        this.mail = mail;
    }

    /**
     * To be called when nothing is left but the hand-over.
     *
     * @throws IOException if the mail must not be handed over
     */
    void beginHandOver() throws IOException {
        mail.beforeHandOver().run();
    }
}
