// SPDX-License-Identifier: Apache-2.0
/** Selectors over labels, in the grammar of projectcalico.org/v3. */
package io.sluice.config.selector;
