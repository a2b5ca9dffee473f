package dev.callboard.alert;

import jakarta.mail.MessagingException;

/** A mail server has received a whole mail and not said whether it accepts it. */
final class UnansweredException extends MessagingException {
    private static final long serialVersionUID = 1;

    UnansweredException(Exception cause) {
        super("the mail server has received the mail and did not confirm it", cause);
    }
}
