package busyhour.node;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.elasticsearch.common.settings.KeyStoreWrapper;
import org.elasticsearch.common.settings.SecureSettings;

/**
 * The node's secure settings: one, the password of the built-in user {@code elastic}.
 *
 * <p>They live in memory only and are read at each start from a file that its owner alone may read. So the password is
 * in one place on disk, and never among the process's arguments, its environment, or Elasticsearch's own keystore file,
 * which is readable by the group.
 */
final class BootstrapKeystore {
    private final KeyStoreWrapper keystore;

    private BootstrapKeystore(KeyStoreWrapper keystore) {
        this.keystore = keystore;
    }

    static BootstrapKeystore fromPasswordFile(Path file) throws IOException {
        String password = Files.readString(file, StandardCharsets.UTF_8).strip();
        if (password.isEmpty()) {
            throw new IllegalArgumentException("no password in " + file);
        }
        KeyStoreWrapper keystore = KeyStoreWrapper.create();
        keystore.setString("bootstrap.password", password.toCharArray());
        return new BootstrapKeystore(keystore);
    }

    SecureSettings settings() {
        return keystore;
    }
}
