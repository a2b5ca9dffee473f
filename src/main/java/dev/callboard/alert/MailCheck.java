package dev.callboard.alert;

import dev.callboard.db.PrivateFiles;
import dev.callboard.settings.Settings;
import jakarta.mail.MessagingException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;

/** Whether the mail server of the settings answers and accepts the login; no mail is sent. */
public final class MailCheck {
    private MailCheck() {}

    /**
     * Connects to the mail server as for a mail, which takes at most a minute. Without a server, looks whether mails can
     * become files.
     *
     * @return why no mail could be sent, in one line without a password; empty if one could
     */
    public static Optional<String> fault(Settings settings) {
        if (settings.mail().host().isEmpty()) {
            return PrivateFiles.isWritable(settings.mail().directory())
                    ? Optional.empty()
                    : Optional.of("callboard.mail.directory can't be written");
        }
        try {
            ((SmtpSender) MailServer.of(settings, Clock.systemUTC())).connect();
            return Optional.empty();
        } catch (MessagingException e) {
            return Optional.of(DeliveryResult.failed(e, List.of()).error());
        }
    }
}
