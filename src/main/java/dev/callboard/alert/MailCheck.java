package dev.callboard.alert;

import dev.callboard.settings.Settings;
import jakarta.mail.MessagingException;
import java.nio.file.Files;
import java.nio.file.Path;
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
            Path existing = settings.mail().directory().toAbsolutePath();
            while (!Files.exists(existing)) {
                existing = existing.getParent();
            }
            return Files.isDirectory(existing) && Files.isWritable(existing)
                    ? Optional.empty()
                    : Optional.of("callboard.mail.directory can't be written: " + existing);
        }
        try {
            ((SmtpSender) MailServer.of(settings, Clock.systemUTC())).connect();
            return Optional.empty();
        } catch (MessagingException e) {
            return Optional.of(DeliveryResult.failed(e, List.of()).error());
        }
    }
}
