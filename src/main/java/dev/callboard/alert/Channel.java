package dev.callboard.alert;

import dev.callboard.settings.Settings;
import jakarta.mail.internet.InternetAddress;
import java.util.Arrays;

/**
 * The ways to recipients. Mails of different channels are attempted independently, so that an outage of one delays nothing of
 * the other.
 */
enum Channel {
    /** To the mail server, or into a folder of files. */
    MAIL("mail", 16),

    /** To the chat of the settings. Chats take few messages a second. */
    WEBHOOK(Settings.Alerts.WEBHOOK, 4);

    private final String code;
    private final int maxAttempts;

    Channel(String code, int maxAttempts) {
        this.code = code;
        this.maxAttempts = maxAttempts;
    }

    /** The name in the table mail. */
    String code() {
        return code;
    }

    /** How many attempts are under way at a time, of all processes that share the database. */
    int maxAttempts() {
        return maxAttempts;
    }

    static Channel of(String code) {
        return Arrays.stream(values())
                .filter(channel -> channel.code.equals(code))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no channel " + code));
    }

    /** The channel of a recipient; no mail address is the word webhook, since each has a domain. */
    static Channel of(InternetAddress recipient) {
        return recipient.getAddress().equals(WEBHOOK.code) ? WEBHOOK : MAIL;
    }
}
