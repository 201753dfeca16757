// SPDX-License-Identifier: Apache-2.0
/** What the node has promised and must not forget. See docs/design/persistence.md. */
package io.sluice.actors.promises;
