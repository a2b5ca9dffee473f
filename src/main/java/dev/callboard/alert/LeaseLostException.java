package dev.callboard.alert;

import dev.callboard.text.Causes;
import java.io.IOException;

/** The lease of a mail has expired before the hand-over, and another process has taken the mail. */
final class LeaseLostException extends IOException {
    private static final long serialVersionUID = 1;

    LeaseLostException() {
        super("another process has taken the mail");
    }

    /** Whether it is among the causes of a failure, which may be null. */
    static boolean isIn(Throwable failure) {
        return Causes.find(failure, LeaseLostException.class).isPresent();
    }
}
