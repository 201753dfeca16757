// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.nft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.sluice.kernel.nft.Nftables.TableFamily;
import io.sluice.kernel.testing.RequiresKernel;
import io.sluice.kernel.testing.TestNetns;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@RequiresKernel
class NftablesTest {
  private static final String OTHERS =
      "table inet others { chain input { type filter hook input priority 0; tcp dport 22 accept; }; }";

  private TestNetns here;
  private Nftables nft;

  @BeforeEach
  void open() {
    here = TestNetns.create("knet-nft");
    nft = Nftables.open(here.netns());
  }

  @AfterEach
  void close() {
    nft.close();
    here.close();
  }

  @Test
  void appliesAndLists() {
    nft.apply(
        """
        table inet sluice {
          set four { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
          set six { type ipv6_addr; elements = { fd00::1 } }
          chain forward {
            type filter hook forward priority -10;
            ip saddr @four meta mark & 0x1ff00000 == 0 drop
            ip6 saddr @six drop
          }
        }
        """);
    assertThat(here.sh("nft list ruleset"))
        .contains("table inet sluice")
        .contains("ip6 saddr @six drop");
    assertThat(nft.list("table inet sluice"))
        .startsWith("{\"nftables\": [")
        .contains("\"name\": \"sluice\"")
        .contains("10.0.0.2");
    assertThat(nft.listText("tables")).isEqualTo("table inet sluice\n");
    assertThat(nft.hasTable(TableFamily.INET, "sluice")).isTrue();
    assertThat(nft.hasTable(TableFamily.IP, "sluice")).isFalse();
  }

  @Test
  @Tag("INV-TAB-3")
  void allOfARulesetOrNothing() {
    nft.apply("table inet sluice { chain a { counter; }; }");
    String before = here.sh("nft list ruleset");
    assertThatExceptionOfType(NftException.class)
        .isThrownBy(
            () ->
                nft.apply(
                    """
                    flush table inet sluice
                    add chain inet sluice b
                    add rule inet sluice b jump nosuch
                    """))
        .withMessageStartingWith("apply ruleset: line 3:29-34: Error: ")
        .withMessageContaining("No such file or directory")
        .withMessageEndingWith("add rule inet sluice b jump nosuch");
    assertThat(here.sh("nft list ruleset")).isEqualTo(before);
  }

  @Test
  void aSyntaxErrorNamesItsPlace() {
    assertThatExceptionOfType(NftException.class)
        .isThrownBy(() -> nft.apply("add table inet a\nadd tabel inet b\n"))
        .withMessageStartingWith("apply ruleset: line 2:11-14: Error: syntax error")
        .withMessageEndingWith("add tabel inet b");
    assertThat(nft.hasTable(TableFamily.INET, "a")).isFalse();
    nft.apply("add table inet c");
    assertThat(nft.hasTable(TableFamily.INET, "c")).as("an error leaves no trace").isTrue();
  }

  @Test
  @Tag("INV-TAB-3")
  void aTableGoesAndThoseOfOthersStay() {
    here.sh("nft '" + OTHERS + "'");
    String before = here.sh("nft list ruleset");
    nft.deleteTable(TableFamily.INET, "sluice");
    nft.apply("table inet sluice { chain a { counter; }; }");
    nft.deleteTable(TableFamily.INET, "sluice");
    nft.deleteTable(TableFamily.INET, "sluice");
    assertThat(here.sh("nft list ruleset")).isEqualTo(before);
  }

  @Test
  void aNameIsNoCommand() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> nft.deleteTable(TableFamily.INET, "a; flush ruleset"));
  }

  @Test
  void namespacesAreApart() {
    try (TestNetns there = TestNetns.create("knet-nft");
        Nftables other = Nftables.open(there.netns())) {
      nft.apply("add table inet sluice");
      assertThat(other.hasTable(TableFamily.INET, "sluice")).isFalse();
    }
  }

  @Test
  void listingWhatIsAbsentIsExplained() {
    assertThatExceptionOfType(NftException.class)
        .isThrownBy(() -> nft.list("table inet nosuch"))
        .withMessageContaining("list table inet nosuch: ")
        .withMessageContaining("No such file or directory");
  }

  @Test
  void closedIsClosed() {
    nft.close();
    nft.close();
    assertThatIllegalStateException().isThrownBy(() -> nft.apply("add table inet a"));
  }
}
