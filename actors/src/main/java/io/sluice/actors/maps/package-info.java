// SPDX-License-Identifier: Apache-2.0
/** One writer for each BPF map. See docs/design/service-syncing.md, Writers. */
package io.sluice.actors.maps;
