// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.actors.host.HostLedger.AddedAddress;
import io.sluice.actors.host.HostLedger.SavedSysctl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("INV-AG-2")
class HostLedgerTest {
  private static final SavedSysctl FORWARD = new SavedSysctl("net/ipv4/ip_forward", "0", "1");
  private static final SavedSysctl ARP =
      new SavedSysctl("net/ipv4/conf/cali1.5/proxy_arp", "0", "1");
  private static final AddedAddress GATEWAY = new AddedAddress("cali1", "fe80::1/64");

  @TempDir private Path folder;

  private Path file() {
    return folder.resolve(HostLedger.FILE_NAME);
  }

  @Test
  void whatWasSavedIsThereAgainTheLastChangedFirst() {
    try (HostLedger ledger = HostLedger.open(folder)) {
      ledger.save(List.of(FORWARD, ARP));
      ledger.save(GATEWAY);
    }
    try (HostLedger ledger = HostLedger.open(folder)) {
      assertThat(ledger.sysctls()).containsExactly(ARP, FORWARD);
      assertThat(ledger.addresses()).containsExactly(GATEWAY);
      assertThat(ledger.sysctl(ARP.key())).contains(ARP);
      ledger.forgetSysctls(List.of(ARP.key(), "net/never"));
      ledger.forget(GATEWAY);
      ledger.forget(GATEWAY);
    }
    try (HostLedger ledger = HostLedger.open(folder)) {
      assertThat(ledger.sysctls()).containsExactly(FORWARD);
      assertThat(ledger.addresses()).isEmpty();
    }
  }

  @Test
  void itIsOnDiskWithoutAnEnd() throws IOException {
    HostLedger killed = HostLedger.open(folder);
    killed.save(List.of(FORWARD));
    assertThat(Files.readString(file())).isEqualTo("sysctl\tnet/ipv4/ip_forward\t0\t1\n");
    killed.close();
  }

  @Test
  void aLineThatWasTornWasNeverAcknowledged() throws IOException {
    try (HostLedger ledger = HostLedger.open(folder)) {
      ledger.save(List.of(FORWARD));
    }
    Files.writeString(file(), "sysctl\tnet/ipv4/conf/al", StandardOpenOption.APPEND);
    try (HostLedger ledger = HostLedger.open(folder)) {
      assertThat(ledger.sysctls()).containsExactly(FORWARD);
    }
    assertThat(file()).content().doesNotContain("conf/al");
  }

  @Test
  void aFileOfSomebodyElseIsRefused() throws IOException {
    Files.writeString(file(), "hello\n");
    assertThatThrownBy(() -> HostLedger.open(folder)).hasMessageContaining("hello");
    assertThat(file()).content().isEqualTo("hello\n");
  }
}
